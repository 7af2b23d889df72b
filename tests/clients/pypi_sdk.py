"""The PyPI SDK, as a user's script: every key-value method."""

import json
import os
import time
import unittest

import cloudflare
from cloudflare import Cloudflare

ACCOUNT = os.environ["CLOUDFLARE_ACCOUNT_ID"]
client = Cloudflare(max_retries=0)
namespaces = client.kv.namespaces


class KeyValue(unittest.TestCase):
    def fresh(self, title):
        namespace = namespaces.create(account_id=ACCOUNT, title=title)
        self.addCleanup(namespaces.delete, namespace.id, account_id=ACCOUNT)
        return namespace.id

    def put(self, namespace, key, value, **more):
        return namespaces.values.update(
            key, account_id=ACCOUNT, namespace_id=namespace, value=value, **more
        )

    def get(self, namespace, key):
        return namespaces.values.get(key, account_id=ACCOUNT, namespace_id=namespace).read()

    def names(self, namespace, **more):
        keys = namespaces.keys.list(namespace, account_id=ACCOUNT, **more)
        return [key.name for key in keys]

    def refused(self, status, code, method, *arguments, **more):
        with self.assertRaises(cloudflare.APIStatusError) as caught:
            method(*arguments, account_id=ACCOUNT, **more)
        self.assertEqual(caught.exception.status_code, status)
        self.assertEqual(caught.exception.body["errors"][0]["code"], code)

    def test_namespaces(self):
        namespace = self.fresh("python first")
        got = namespaces.get(namespace, account_id=ACCOUNT)
        self.assertEqual((got.id, got.title), (namespace, "python first"))
        self.assertTrue(got.supports_url_encoding)
        namespaces.update(namespace, account_id=ACCOUNT, title="python renamed")
        others = [self.fresh(f"python {n}") for n in range(4)]
        listed = namespaces.list(account_id=ACCOUNT, per_page=2, order="title", direction="asc")
        titles = [one.title for one in listed]
        self.assertEqual(titles, sorted(titles))
        self.assertEqual(len(titles), len(others) + 1)
        self.refused(400, 10014, namespaces.create, title="python renamed")
        self.refused(404, 10013, namespaces.get, "f" * 32)

    def test_values(self):
        namespace = self.fresh("python values")
        self.put(namespace, "text", "grüß 🌊\r\n\n".encode())
        self.assertEqual(self.get(namespace, "text").decode(), "grüß 🌊\r\n\n")
        everything = bytes(range(256)) * 400
        self.put(namespace, "bytes", everything)
        self.assertEqual(self.get(namespace, "bytes"), everything)
        self.put(namespace, "empty", b"")
        self.assertEqual(self.get(namespace, "empty"), b"")
        for _ in range(2):
            namespaces.values.delete("text", account_id=ACCOUNT, namespace_id=namespace)
        self.refused(404, 10009, namespaces.values.get, "text", namespace_id=namespace)

    def test_odd_keys(self):
        namespace = self.fresh("python odd")
        keys = ["a/b", "a%2Fb", "a b", "a+b", "?#&=", "ключ", "🌊", "...", "quo'te", "back\\slash"]
        for key in keys:
            self.put(namespace, key, key.encode())
        for key in keys:
            self.assertEqual(self.get(namespace, key).decode(), key)
        self.assertEqual(self.names(namespace), sorted(keys, key=str.encode))
        for prefix in ["a ", "a+", "a%", "?#", "🌊"]:
            expected = sorted((key for key in keys if key.startswith(prefix)), key=str.encode)
            self.assertEqual(self.names(namespace, prefix=prefix), expected)

    def test_metadata_and_expiry(self):
        namespace = self.fresh("python metadata")
        metadata = {"m": [1, 2], "spot": "São Miguel"}
        self.put(namespace, "key", b"v", metadata=metadata, expiration_ttl=300)
        got = namespaces.metadata.get("key", account_id=ACCOUNT, namespace_id=namespace)
        self.assertEqual(got, metadata)
        (listed,) = namespaces.keys.list(namespace, account_id=ACCOUNT)
        self.assertEqual(listed.metadata, metadata)
        self.assertAlmostEqual(listed.expiration, time.time() + 300, delta=60)
        self.put(namespace, "key", b"v")
        got = namespaces.metadata.get("key", account_id=ACCOUNT, namespace_id=namespace)
        self.assertIsNone(got)
        # A string is sent as it is given, so this one is no JSON.
        self.refused(
            400, 10147, namespaces.values.update, "key",
            namespace_id=namespace, value=b"new", metadata="{not json",
        )
        self.refused(
            400, 10034, namespaces.values.update, "key",
            namespace_id=namespace, value=b"new", expiration_ttl=59,
        )
        self.assertEqual(self.get(namespace, "key"), b"v")

    def test_metadata_is_measured_compactly(self):
        namespace = self.fresh("python limits")
        # The SDK writes a space after each comma: 1,022 compact bytes, 1,361 on the wire.
        fits = {"m": [12] * 338}
        self.assertLessEqual(len(json.dumps(fits, separators=(",", ":"))), 1024)
        self.assertGreater(len(json.dumps(fits)), 1024)
        self.put(namespace, "fits", b"v", metadata=fits)
        with self.assertRaises(cloudflare.APIStatusError) as caught:
            self.put(namespace, "over", b"v", metadata={"m": "x" * 1017})
        self.assertIn(caught.exception.status_code, (400, 413))
        self.assertEqual(self.names(namespace), ["fits"])

    def test_bulk(self):
        namespace = self.fresh("python bulk")
        body = [
            {"key": f"k{n:04}", "value": json.dumps({"n": n}), "metadata": {"n": n}}
            for n in range(1100)
        ]
        put = namespaces.bulk_update(namespace, account_id=ACCOUNT, body=body)
        self.assertEqual(put.successful_key_count, 1100)
        self.assertEqual(len(self.names(namespace, limit=100)), 1100)
        keys = ["k0001", "none"]
        texts = namespaces.bulk_get(namespace, account_id=ACCOUNT, keys=keys)
        self.assertEqual(texts.values, {"k0001": '{"n": 1}', "none": None})
        parsed = namespaces.bulk_get(
            namespace, account_id=ACCOUNT, keys=keys, type="json", with_metadata=True
        ).model_dump()
        self.assertEqual(parsed["values"]["k0001"]["value"], {"n": 1})
        self.assertEqual(parsed["values"]["k0001"]["metadata"], {"n": 1})
        self.assertIsNone(parsed["values"]["none"])
        names = [one["key"] for one in body]
        gone = namespaces.bulk_delete(namespace, account_id=ACCOUNT, body=names)
        self.assertEqual(gone.successful_key_count, 1100)
        self.assertEqual(self.names(namespace), [])
        deprecated = namespaces.keys.bulk_update(
            namespace, account_id=ACCOUNT, body=[{"key": "old", "value": "way"}]
        )
        self.assertEqual(deprecated.successful_key_count, 1)
        self.assertEqual(self.get(namespace, "old"), b"way")

    def test_wrong_token(self):
        stranger = Cloudflare(api_token="wrong", max_retries=0)
        with self.assertRaises(cloudflare.APIStatusError) as caught:
            list(stranger.kv.namespaces.list(account_id=ACCOUNT))
        self.assertIn(caught.exception.status_code, (401, 403))


if __name__ == "__main__":
    unittest.main()
