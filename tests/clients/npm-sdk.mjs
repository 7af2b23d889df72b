// The npm SDK, as a user's script: every key-value method.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import Cloudflare, { toFile } from 'cloudflare';

const client = new Cloudflare({ maxRetries: 0 });
const account_id = process.env.CLOUDFLARE_ACCOUNT_ID;
const { namespaces } = client.kv;
const made = [];

async function fresh(title) {
  const namespace = await namespaces.create({ account_id, title });
  made.push(namespace.id);
  return namespace.id;
}

async function text(id, key) {
  const response = await namespaces.values.get(key, { account_id, namespace_id: id });
  assert.equal(response.headers.get('content-type'), 'application/octet-stream');
  return response.text();
}

async function collect(pages) {
  const all = [];
  for await (const one of pages) all.push(one);
  return all;
}

function refusal(status, code) {
  return (error) => {
    assert.ok(error instanceof Cloudflare.APIError, String(error));
    assert.equal(error.status, status, error.message);
    assert.equal(error.errors[0].code, code, error.message);
    return true;
  };
}

after(async () => {
  for (const id of made) await namespaces.delete(id, { account_id });
  const left = await collect(namespaces.list({ account_id }));
  assert.deepEqual(left, []);
});

test('namespaces are created, got, renamed, listed and refused twice', async () => {
  const id = await fresh('npm first');
  assert.deepEqual(await namespaces.get(id, { account_id }), {
    id,
    title: 'npm first',
    supports_url_encoding: true,
  });
  await namespaces.update(id, { account_id, title: 'npm renamed' });
  assert.equal((await namespaces.get(id, { account_id })).title, 'npm renamed');
  await assert.rejects(namespaces.create({ account_id, title: 'npm renamed' }), refusal(400, 10014));
  const listed = await collect(namespaces.list({ account_id, per_page: 5, order: 'title' }));
  assert.ok(listed.some((one) => one.id === id));
});

test('namespaces are listed page by page until an empty one', async () => {
  const titles = ['page a', 'page b', 'page c', 'page d', 'page e'];
  for (const title of titles) await fresh(title);
  const listed = await collect(
    namespaces.list({ account_id, per_page: 2, order: 'title', direction: 'desc' }),
  );
  const found = listed.map((one) => one.title).filter((title) => title.startsWith('page '));
  assert.deepEqual(found, titles.toReversed());
});

test('values are written and read as they are', async () => {
  const id = await fresh('npm values');
  await namespaces.values.update('text', { account_id, namespace_id: id, value: 'grüß 🌊' });
  assert.equal(await text(id, 'text'), 'grüß 🌊');
  const bytes = Uint8Array.from({ length: 70_000 }, (_, n) => n % 256);
  const value = await toFile(Buffer.from(bytes), 'bytes.bin');
  await namespaces.values.update('bytes', { account_id, namespace_id: id, value });
  const got = await namespaces.values.get('bytes', { account_id, namespace_id: id });
  assert.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
  await namespaces.values.update('empty', { account_id, namespace_id: id, value: '' });
  assert.equal(await text(id, 'empty'), '');
  await namespaces.values.delete('text', { account_id, namespace_id: id });
  await namespaces.values.delete('text', { account_id, namespace_id: id });
  await assert.rejects(namespaces.values.get('text', { account_id, namespace_id: id }), refusal(404, 10009));
});

test('odd keys mean themselves', async () => {
  const id = await fresh('npm odd');
  const keys = ['a/b', 'a%2Fb', 'a b', 'a+b', '?#&=', 'ключ', '🌊', '...', "quo'te", 'back\\slash'];
  for (const key of keys) await namespaces.values.update(key, { account_id, namespace_id: id, value: key });
  for (const key of keys) assert.equal(await text(id, key), key);
  const listed = (await collect(namespaces.keys.list(id, { account_id }))).map((one) => one.name);
  const sorted = keys.toSorted((one, two) => Buffer.compare(Buffer.from(one), Buffer.from(two)));
  assert.deepEqual(listed, sorted);
  for (const prefix of ['a ', 'a+', 'a%', '?#', '🌊']) {
    const found = await collect(namespaces.keys.list(id, { account_id, prefix }));
    assert.deepEqual(
      found.map((one) => one.name),
      sorted.filter((key) => key.startsWith(prefix)),
    );
  }
});

test('metadata and expiry go with the value', async () => {
  const id = await fresh('npm metadata');
  const metadata = { spot: 'Peniche', waves: [1, 2], nested: { 'ü': null } };
  await namespaces.values.update('key', {
    account_id,
    namespace_id: id,
    value: 'v',
    metadata: JSON.stringify(metadata),
    expiration_ttl: 300,
  });
  assert.deepEqual(await namespaces.metadata.get('key', { account_id, namespace_id: id }), metadata);
  const [listed] = await collect(namespaces.keys.list(id, { account_id }));
  assert.deepEqual(listed.metadata, metadata);
  const now = Date.now() / 1000;
  assert.ok(listed.expiration > now + 200 && listed.expiration <= now + 302, listed.expiration);
  await namespaces.values.update('key', { account_id, namespace_id: id, value: 'v' });
  assert.equal(await namespaces.metadata.get('key', { account_id, namespace_id: id }), null);
  const [bare] = await collect(namespaces.keys.list(id, { account_id }));
  assert.deepEqual(bare, { name: 'key' });
  await assert.rejects(namespaces.metadata.get('none', { account_id, namespace_id: id }), refusal(404, 10009));
  await assert.rejects(
    namespaces.values.update('key', { account_id, namespace_id: id, value: 'new', expiration_ttl: 59 }),
    refusal(400, 10034),
  );
  await assert.rejects(
    namespaces.values.update('key', { account_id, namespace_id: id, value: 'new', expiration: 1 }),
    refusal(400, 10033),
  );
  assert.equal(await text(id, 'key'), 'v');
});

test('many keys at once', async () => {
  const id = await fresh('npm bulk');
  const body = Array.from({ length: 1234 }, (_, n) => ({
    key: `k${String(n).padStart(4, '0')}`,
    value: JSON.stringify({ n }),
    metadata: { n },
  }));
  body.push({ key: 'binary', value: Buffer.from([0, 159, 146, 150]).toString('base64'), base64: true });
  const put = await namespaces.bulkUpdate(id, { account_id, body });
  assert.equal(put.successful_key_count, 1235);
  assert.deepEqual(put.unsuccessful_keys ?? [], []);
  const listed = await collect(namespaces.keys.list(id, { account_id, limit: 100 }));
  assert.equal(listed.length, 1235);
  assert.equal(new Set(listed.map((one) => one.name)).size, 1235);
  const keys = ['k0001', 'none', 'k1233'];
  const texts = await namespaces.bulkGet(id, { account_id, keys });
  assert.deepEqual(texts.values, { k0001: '{"n":1}', none: null, k1233: '{"n":1233}' });
  const parsed = await namespaces.bulkGet(id, { account_id, keys, type: 'json', withMetadata: true });
  assert.deepEqual(parsed.values.k0001, { value: { n: 1 }, metadata: { n: 1 } });
  assert.equal(parsed.values.none, null);
  await assert.rejects(
    namespaces.bulkGet(id, { account_id, keys: ['binary'] }),
    refusal(400, 10029),
  );
  await assert.rejects(
    namespaces.bulkUpdate(id, { account_id, body: [{ key: 'x', value: 'y' }, { key: '', value: 'z' }] }),
    (error) => error.status === 400,
  );
  const gone = await namespaces.bulkDelete(id, { account_id, body: [...body.map((one) => one.key), 'none'] });
  assert.equal(gone.successful_key_count, 1236);
  assert.deepEqual(await collect(namespaces.keys.list(id, { account_id })), []);
});

test('what is wrong is refused with the documented status and code', async () => {
  const id = await fresh('npm errors');
  const ghost = 'f'.repeat(32);
  await assert.rejects(namespaces.values.get('key', { account_id, namespace_id: ghost }), refusal(404, 10013));
  await assert.rejects(namespaces.keys.list(id, { account_id, cursor: 'no cursor' }), refusal(400, 10041));
  await assert.rejects(
    namespaces.values.update('k'.repeat(513), { account_id, namespace_id: id, value: 'v' }),
    (error) => error.status === 414,
  );
  const stranger = new Cloudflare({ apiToken: 'wrong', maxRetries: 0 });
  await assert.rejects(
    stranger.kv.namespaces.get(id, { account_id }),
    (error) => [401, 403].includes(error.status),
  );
});
