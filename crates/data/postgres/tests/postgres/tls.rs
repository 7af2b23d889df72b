//! A database that is reached over TLS, and only when it is the one that was meant.

use std::os::unix::fs::PermissionsExt as _;

use littoral_postgres::{Options, migrate, status};
use littoral_store::Store as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::world::{SPACE, World, applied, at, write};

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Makes the server speak TLS, as whom this certificate names.
async fn secure(world: &World, name: &str, authority: &CertifiedIssuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let files = [("certificate", certificate.pem()), ("key", key.serialize_pem())];
    for (kind, pem) in files {
        let path = world.dir.path().join(format!("{name}.{kind}"));
        std::fs::write(&path, pem).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        world.server.own(&path);
        let setting = if kind == "key" { "ssl_key_file" } else { "ssl_cert_file" };
        world.sql(&format!("ALTER SYSTEM SET {setting} = '{}'", path.display())).await;
    }
    world.sql("ALTER SYSTEM SET ssl = on").await;
    world.sql("SELECT pg_reload_conf()").await;
    while world.sql("SHOW ssl").await != "on" {}
}

#[tokio::test]
async fn a_database_is_reached_over_tls_only_if_its_certificate_is_right() {
    let world = World::empty();
    let (ours, others) = (authority(), authority());
    secure(&world, "127.0.0.1", &ours).await;
    let plain = world.server.address();
    let trusted = plain.clone().trusting(ours.pem().as_bytes()).unwrap();
    migrate(&trusted, &world.clock).await.unwrap();
    let store = world.open_at(&trusted, Options::default());
    applied(store.apply(write("a", at(1), "body")).await.unwrap());
    assert!(store.get(SPACE, "a".into()).await.unwrap().row.is_some());
    assert_eq!(status(&trusted, &world.clock).await.unwrap().rows, 1);
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
        WHERE ssl AND application_name = 'littoral'";
    assert_ne!(world.sql(encrypted).await, "0");
    let refused = plain.trusting(others.pem().as_bytes()).unwrap();
    let error = status(&refused, &world.clock).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");

    let other = World::empty();
    secure(&other, "db.example", &ours).await;
    let wrong = other.server.address().trusting(ours.pem().as_bytes()).unwrap();
    let error = status(&wrong, &world.clock).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");

    let without = World::empty();
    let none = without.server.address().trusting(ours.pem().as_bytes()).unwrap();
    let error = status(&none, &world.clock).await.unwrap_err().to_string();
    assert!(error.contains("TLS"), "never in the clear: {error}");
}
