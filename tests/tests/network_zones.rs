//! A zone in a network of processes: its upper tier shields the site, over links between machines.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use littoral_tests::{
    ACCOUNT, Connection, Network, NetworkOptions, Response, Site, Zoned, answer, littoral, run,
    until,
};

/// More than nodes take that have missed the news of a zone.
const PATIENCE: Duration = Duration::from_secs(120);
const ZONES_PORT: u16 = 8887;

/// Two regions, four locations; those without a store have two nodes.
struct World {
    _network: Network,
    doors: Vec<SocketAddr>,
}

impl World {
    fn before(site: &Site) -> Self {
        let network = Network::written(&NetworkOptions {
            regions: 2,
            locations: 4,
            nodes: 2,
            postgres: false,
            ..NetworkOptions::default()
        });
        let door = |address: &SocketAddr| SocketAddr::new(address.ip(), ZONES_PORT);
        for node in network.nodes() {
            let file = network.config(&node.name);
            let text = std::fs::read_to_string(&file).expect("a configuration");
            let text = format!("zones-listen = \"{}\"\n{text}", door(&node.address));
            std::fs::write(&file, text).expect("a configuration of ours");
        }
        network.up(&[]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let zone = folder.path().join("zone.toml");
        let text = format!(
            "name = \"shop\"\nhosts = [\"{}\"]\n[upstreams.app]\nservers = [\"{}\"]\n\
             [[routes]]\npath = \"/known\"\nanswer = {{ body = \"known\" }}\n\
             [[routes]]\npath = \"/*\"\nupstream = \"app\"\n",
            littoral_tests::ZONE_HOST,
            site.address()
        );
        std::fs::write(&zone, text).expect("a file");
        let mut apply = littoral();
        apply
            .args(["zone", "apply"])
            .arg(&zone)
            .env("LITTORAL_URL", format!("http://{}", network.nodes()[0].address))
            .env("LITTORAL_TOKEN", network.token())
            .env("LITTORAL_ACCOUNT", ACCOUNT);
        run(&mut apply, b"").well();
        let doors = network.nodes().iter().map(|node| door(&node.address)).collect();
        let world = Self { _network: network, doors };
        for at in 0..world.doors.len() {
            until("the zone is known everywhere", PATIENCE, || {
                (world.send(at, "GET", "/known").status == 200).then_some(())
            });
        }
        world
    }

    fn send(&self, at: usize, method: &str, target: &str) -> Response {
        Connection::open(self.doors[at]).send(&Zoned::request(method, target))
    }

    /// What each node answers.
    fn everywhere(&self, target: &str) -> Vec<String> {
        let get = |at| self.send(at, "GET", target).expect(200).text().to_owned();
        (0..self.doors.len()).map(get).collect()
    }
}

#[test]
fn the_site_is_asked_once_for_all_nodes_and_again_after_a_post() {
    let count = AtomicUsize::new(0);
    let site = Site::start(move |_, to| {
        let number = count.fetch_add(1, Ordering::AcqRel) + 1;
        answer(to, "200 OK", &[("Cache-Control", "max-age=1000")], number.to_string().as_bytes())
    });
    let world = World::before(&site);
    assert!(world.doors.len() > 4, "some locations have two nodes");
    // While nodes have not found each other, each asks for itself.
    let mut round = 0;
    until("all ask the same upper tier", PATIENCE, || {
        let before = site.asked().len();
        round += 1;
        world.everywhere(&format!("/warm/{round}"));
        (site.asked().len() == before + 1).then_some(())
    });
    let warm = site.asked().len();
    let together = Barrier::new(200);
    std::thread::scope(|scope| {
        for n in 0..200 {
            let (world, together) = (&world, &together);
            scope.spawn(move || {
                let mut connection = Connection::open(world.doors[n % world.doors.len()]);
                together.wait();
                let answer = connection.send(&Zoned::request("GET", "/cold")).expect(200);
                assert_eq!(answer.text(), (warm + 1).to_string());
            });
        }
    });
    assert_eq!(site.asked().len(), warm + 1, "a herd reaches it once");
    for (at, round) in [(0, warm + 3), (world.doors.len() - 1, warm + 5)] {
        world.send(at, "POST", "/cold").expect(200);
        let all = world.everywhere("/cold");
        assert!(all.iter().all(|answer| *answer == round.to_string()), "{round}: {all:?}");
    }
    assert_eq!(site.asked().len(), warm + 5);
}
