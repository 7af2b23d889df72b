// A Worker as a user writes it, and what it sees through its KV binding. Each export is a test.
import assert from 'node:assert';

const bytes = (length) => Uint8Array.from({ length }, (_, n) => (n * 7) % 256);

async function fails(promise, text) {
  await assert.rejects(promise, (error) => {
    assert.strictEqual(error.message, text);
    return true;
  });
}

export const everyTypeComesBack = {
  async test(_, { KV }) {
    assert.strictEqual(await KV.get('types/none'), null);
    await KV.put('types/text', 'grüß 🌊');
    assert.strictEqual(await KV.get('types/text'), 'grüß 🌊');
    await KV.put('types/json', JSON.stringify({ a: [1, null, 'x'] }));
    assert.deepStrictEqual(await KV.get('types/json', 'json'), { a: [1, null, 'x'] });
    assert.deepStrictEqual(await KV.get('types/json', { type: 'json' }), { a: [1, null, 'x'] });
    const data = bytes(100_000);
    await KV.put('types/buffer', data.buffer);
    assert.deepStrictEqual(new Uint8Array(await KV.get('types/buffer', 'arrayBuffer')), data);
    await KV.put('types/view', data.subarray(10, 20));
    assert.deepStrictEqual(
      new Uint8Array(await KV.get('types/view', 'arrayBuffer')),
      data.slice(10, 20),
    );
    await KV.put('types/empty', '');
    assert.strictEqual(await KV.get('types/empty'), '');
    for (const key of ['text', 'json', 'buffer', 'view', 'empty']) await KV.delete(`types/${key}`);
    assert.strictEqual(await KV.get('types/text'), null);
    assert.strictEqual(await KV.delete('types/text'), undefined);
  },
};

export const streamsGoBothWays = {
  async test(_, { KV }) {
    const data = bytes(3_000_000);
    // No length is known beforehand: it travels in chunks.
    const { readable, writable } = new TransformStream();
    const writing = (async () => {
      const writer = writable.getWriter();
      for (let at = 0; at < data.length; at += 250_000) {
        await writer.write(data.slice(at, at + 250_000));
      }
      await writer.close();
    })();
    await Promise.all([KV.put('stream', readable), writing]);
    const stream = await KV.get('stream', 'stream');
    const got = new Uint8Array(await new Response(stream).arrayBuffer());
    assert.strictEqual(got.length, data.length);
    assert.ok(got.every((byte, n) => byte === data[n]));
    const fixed = new FixedLengthStream(5);
    const filling = (async () => {
      const writer = fixed.writable.getWriter();
      await writer.write(new TextEncoder().encode('fixed'));
      await writer.close();
    })();
    await Promise.all([KV.put('stream', fixed.readable), filling]);
    assert.strictEqual(await KV.get('stream'), 'fixed');
    await KV.delete('stream');
  },
};

export const metadataIsAnyJson = {
  async test(_, { KV }) {
    const all = [{ a: { b: ['ü', '🌊', '"', '\\', '\n'] } }, [1, 2.5], 'São', 7, 0, false, true, ''];
    for (const metadata of all) {
      await KV.put('metadata', 'v', { metadata });
      const got = await KV.getWithMetadata('metadata');
      assert.strictEqual(got.value, 'v');
      assert.deepStrictEqual(got.metadata, metadata);
      const { keys } = await KV.list({ prefix: 'metadata' });
      assert.deepStrictEqual(keys, [{ name: 'metadata', metadata }]);
    }
    await KV.put('metadata', 'v', { metadata: null });
    assert.strictEqual((await KV.getWithMetadata('metadata')).metadata, null);
    await KV.put('metadata', 'v');
    assert.deepStrictEqual((await KV.list({ prefix: 'metadata' })).keys, [{ name: 'metadata' }]);
    await KV.delete('metadata');
    const gone = await KV.getWithMetadata('metadata', 'json');
    assert.strictEqual(gone.value, null);
    assert.strictEqual(gone.metadata, null);
  },
};

export const oddKeysMeanThemselves = {
  async test(_, { KV }) {
    const keys = [
      'odd/a/b', 'odd/a%2Fb', 'odd/a b', 'odd/a+b', 'odd/?#&=:@,;!$', "odd/'()*~[]|^", 'odd/ключ',
      'odd/🌊', 'odd/..', 'odd/\\', 'odd/%', 'odd/%zz', 'odd/x\n', 'odd/"<>`{}',
      `odd/${'é'.repeat(254)}`,
    ];
    for (const key of keys) await KV.put(key, key);
    for (const key of keys) assert.strictEqual(await KV.get(key), key);
    const encoder = new TextEncoder();
    const order = (one, two) => {
      const [a, b] = [encoder.encode(one), encoder.encode(two)];
      for (let n = 0; n < Math.min(a.length, b.length); n++) if (a[n] !== b[n]) return a[n] - b[n];
      return a.length - b.length;
    };
    const sorted = keys.toSorted(order);
    const listed = await KV.list({ prefix: 'odd/' });
    assert.deepStrictEqual(listed.keys.map((one) => one.name), sorted);
    for (const prefix of ['odd/a ', 'odd/a+', 'odd/a%', 'odd/?#', 'odd/🌊', 'odd/é']) {
      const some = await KV.list({ prefix });
      assert.deepStrictEqual(
        some.keys.map((one) => one.name),
        sorted.filter((key) => key.startsWith(prefix)),
      );
    }
    // Its path looks like another operation's.
    await KV.put('bulk/get', 'a key like another');
    assert.strictEqual(await KV.get('bulk/get'), 'a key like another');
    await KV.delete('bulk/get');
    for (const key of keys) await KV.delete(key);
    for (const key of keys) assert.strictEqual(await KV.get(key), null);
  },
};

export const listingsArePaged = {
  async test(_, { KV }) {
    const names = Array.from({ length: 25 }, (_, n) => `list/${String(n).padStart(2, '0')}`);
    await Promise.all(names.map((name) => KV.put(name, name)));
    const found = [];
    // An empty cursor is none.
    let cursor = '';
    let pages = 0;
    for (;;) {
      const page = await KV.list({ prefix: 'list/', limit: 10, cursor });
      assert.strictEqual(page.cacheStatus, null);
      found.push(...page.keys.map((one) => one.name));
      pages += 1;
      if (page.list_complete) {
        assert.ok(!('cursor' in page));
        break;
      }
      assert.ok(page.keys.length <= 10);
      cursor = page.cursor;
    }
    assert.deepStrictEqual(found, names);
    assert.ok(pages >= 3);
    const none = await KV.list({ prefix: 'list/none' });
    assert.deepStrictEqual(none.keys, []);
    assert.strictEqual(none.list_complete, true);
    await fails(
      KV.list({ limit: 1001 }),
      'KV GET failed: 400 Invalid key_count_limit of 1001. Please specify an integer less than 1000.',
    );
    await Promise.all(names.map((name) => KV.delete(name)));
  },
};

export const severalKeysAtOnce = {
  async test(_, { KV }) {
    await KV.put('bulk-a', JSON.stringify({ n: 1 }), { metadata: { m: 1 } });
    await KV.put('bulk-b', JSON.stringify([2]));
    const keys = ['bulk-b', 'bulk-none', 'bulk-a'];
    const texts = await KV.get(keys);
    assert.deepStrictEqual([...texts], [['bulk-b', '[2]'], ['bulk-none', null], ['bulk-a', '{"n":1}']]);
    const parsed = await KV.get(keys, { type: 'json', cacheTtl: 60 });
    assert.deepStrictEqual(parsed.get('bulk-a'), { n: 1 });
    assert.deepStrictEqual(parsed.get('bulk-b'), [2]);
    const described = await KV.getWithMetadata(keys, 'json');
    assert.deepStrictEqual(described.get('bulk-a').value, { n: 1 });
    assert.deepStrictEqual(described.get('bulk-a').metadata, { m: 1 });
    assert.strictEqual(described.get('bulk-b').metadata, null);
    await KV.put('bulk-b', 'no json');
    await fails(
      KV.get(['bulk-b'], 'json'),
      'KV GET_BULK failed: 400 At least one of the requested keys corresponds to a non-json value',
    );
    await fails(
      KV.get(Array.from({ length: 101 }, (_, n) => `k${n}`)),
      'KV GET_BULK failed: 400 You can request a maximum of 100 keys',
    );
    await fails(KV.get([]), 'KV GET_BULK failed: 400 You must request a minimum of 1 key');
    await fails(
      KV.get(['bulk-a'], 'arrayBuffer'),
      'KV GET_BULK failed: 400 "arrayBuffer" is not a valid type. Use "json" or "text"',
    );
    await assert.rejects(KV.get(['bulk-a', 'x'.repeat(513)]));
    await KV.delete('bulk-a');
    await KV.delete('bulk-b');
  },
};

export const cacheTtlIsHeldToItsMinimum = {
  async test(_, { KV }) {
    await KV.put('ttl', 'v');
    assert.strictEqual(await KV.get('ttl', { cacheTtl: 30 }), 'v');
    assert.strictEqual(await KV.get('ttl', { cacheTtl: 86_400 }), 'v');
    await fails(
      KV.get('ttl', { cacheTtl: 10 }),
      'KV GET failed: 400 Invalid cache_ttl of 10. Cache TTL must be at least 30.',
    );
    const first = await KV.getWithMetadata('ttl');
    assert.ok(first.cacheStatus === null || typeof first.cacheStatus === 'string');
    await KV.delete('ttl');
  },
};

export const expiryIsHeldToItsMinimum = {
  async test(_, { KV }) {
    const now = Math.floor(Date.now() / 1000);
    await KV.put('expiry', 'v', { expirationTtl: 600 });
    const [listed] = (await KV.list({ prefix: 'expiry' })).keys;
    assert.ok(Math.abs(listed.expiration - now - 600) < 60, `${listed.expiration} ${now}`);
    await KV.put('expiry', 'v', { expiration: now + 3_600 });
    assert.strictEqual((await KV.list({ prefix: 'expiry' })).keys[0].expiration, now + 3_600);
    await fails(
      KV.put('expiry', 'new', { expirationTtl: 59 }),
      'KV PUT failed: 400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60.',
    );
    await fails(
      KV.put('expiry', 'new', { expirationTtl: 0 }),
      'KV PUT failed: 400 Invalid expiration_ttl of 0. Please specify integer greater than 0.',
    );
    await fails(
      KV.put('expiry', 'new', { expiration: 1_000 }),
      'KV PUT failed: 400 Invalid expiration of 1000. Please specify integer greater than the ' +
        'current number of seconds since the UNIX epoch.',
    );
    await assert.rejects(
      KV.put('expiry', 'new', { expiration: now + 20 }),
      /KV PUT failed: 400 Invalid expiration of \d+\. Expiration times must be at least 60 seconds in the future\./,
    );
    assert.strictEqual(await KV.get('expiry'), 'v');
    await KV.delete('expiry');
  },
};

export const sizesAreHeldToTheirLimits = {
  async test(_, { KV }) {
    const most = new Uint8Array(26_214_400).fill(65);
    await KV.put('size', most);
    const got = new Uint8Array(await KV.get('size', 'arrayBuffer'));
    assert.strictEqual(got.length, most.length);
    await fails(
      KV.put('size', new Uint8Array(26_214_401)),
      'KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.',
    );
    assert.strictEqual((await KV.get('size', 'arrayBuffer')).byteLength, most.length);
    await KV.put('size', 'v', { metadata: 'x'.repeat(1_022) });
    await fails(
      KV.put('size', 'new', { metadata: 'x'.repeat(1_023) }),
      'KV PUT failed: 413 Metadata length of 1025 exceeds limit of 1024.',
    );
    assert.strictEqual(await KV.get('size'), 'v');
    await KV.delete('size');
  },
};

export const strangersAreRefused = {
  async test(_, { NOWHERE, STRANGER }) {
    await assert.rejects(NOWHERE.get('key'), /KV GET failed: 40[04] /);
    await assert.rejects(NOWHERE.put('key', 'v'), /KV PUT failed: 40[04] /);
    await assert.rejects(STRANGER.get('key'), /KV GET failed: 40[13] /);
    await assert.rejects(STRANGER.put('key', 'v'), /KV PUT failed: 40[13] /);
    await assert.rejects(STRANGER.delete('key'), /KV DELETE failed: 40[13] /);
  },
};
