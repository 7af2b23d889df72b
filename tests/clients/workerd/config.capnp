# A Worker whose KV binding is an edge. ADDRESS, NAMESPACE and TOKEN are filled in by the test.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "edge", external = (address = "ADDRESS", http = (injectRequestHeaders = [
      (name = "Authorization", value = "Bearer TOKEN"),
      (name = "Littoral-Namespace", value = "NAMESPACE"),
    ]))),
    (name = "nowhere", external = (address = "ADDRESS", http = (injectRequestHeaders = [
      (name = "Littoral-Namespace", value = "ffffffffffffffffffffffffffffffff"),
    ]))),
    (name = "stranger", external = (address = "ADDRESS", http = (injectRequestHeaders = [
      (name = "Authorization", value = "Bearer wrong"),
      (name = "Littoral-Namespace", value = "NAMESPACE"),
    ]))),
  ],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
  bindings = [
    (name = "KV", kvNamespace = "edge"),
    (name = "NOWHERE", kvNamespace = "nowhere"),
    (name = "STRANGER", kvNamespace = "stranger"),
  ],
);
