// What goes in comes back, as far as JavaScript can hold it; and as text, whatever it is.

import assert from "node:assert/strict";
import test from "node:test";

import { BotWireError, JSONTooDeepError, Memory, RawJSON, UnsupportedValueError } from "../../client/js/src/index.js";
import { aMemory, BOTWIRE_URL, CORPUS } from "./support.mjs";

const stored = async (memory, key) => (await fetch(`${BOTWIRE_URL}/memory/${memory.namespace}/${key}`)).text();

test("every value that JavaScript has comes back as it went in", async () => {
  const memory = aMemory();
  const values = [
    null,
    true,
    false,
    0,
    -0,
    42,
    -1.5,
    1e21,
    2 ** 60,
    5e-324,
    Number.MAX_VALUE,
    Number.MAX_SAFE_INTEGER,
    2n ** 53n,
    -(10n ** 400n),
    "",
    "42",
    "\u0000 \u2028 😀 e\u0301",
    [],
    {},
    [[[]]],
    ["1234567890123456789"],
    { b: [1, { c: null }], a: 9007199254740993n, ["__proto__"]: 1, "": 2 },
    [1234567890123456789012n, 0.1],
  ];

  for (const value of values) {
    await memory.set("k", value);
    assert.deepEqual(await memory.get("k"), value);
  }
});

test("integers are numbers where a number holds them and BigInts beyond", async () => {
  const memory = aMemory();

  await memory.set(
    "k",
    new RawJSON("[9007199254740991, 9007199254740992, -9007199254740993, 12345678901234567890.0, 1e30]"),
  );

  assert.deepEqual(await memory.get("k"), [
    9007199254740991,
    9007199254740992n,
    -9007199254740993n,
    12345678901234567890,
    1e30,
  ]);
});

test("text that looks like a big integer stays text", async () => {
  const memory = aMemory();
  const value = {
    "12345678901234567890": '"12345678901234567890',
    b: "\\12345678901234567890\\",
    c: [98765432109876543210n],
  };

  await memory.set("k", value);

  assert.deepEqual(await memory.get("k"), value);
});

test("a whole number is stored as an integer, and one that may not be exact with an exponent", async () => {
  const memory = aMemory();

  await memory.set("k", [42, 2 ** 60, 2n ** 60n, 1e3]);

  assert.equal(await memory.getText("k"), "[42,1.152921504606847e+18,1152921504606846976,1000]");
});

test("JSON text goes in and comes out byte for byte", async () => {
  const memory = aMemory();

  for (const text of CORPUS.values) {
    await memory.set("k", new RawJSON(text));
    assert.equal(await memory.getText("k"), text);
    assert.ok((await stored(memory, "k")).includes(`"value": ${text}, `));
  }
  assert.equal(await memory.getText("missing"), undefined);
});

test("the text is that of the value, whatever other members look like", async () => {
  const memory = aMemory({ agent: '"value": 1, {[' });
  const text = String.raw`{"value": {"version": "}]\"", "value": [1, 2]}, "key": "\\"}`;

  await memory.set('"value": 2, {', new RawJSON(text));

  assert.equal(await memory.getText('"value": 2, {'), text);
});

test("JSON text stands inside of values, too", async () => {
  const memory = aMemory();

  await memory.set("k", { price: new RawJSON("1.10"), list: [new RawJSON("1e3")] });

  assert.equal(await memory.getText("k"), '{"price":1.10,"list":[1e3]}');
});

test("a large value with many escapes is read", async () => {
  const memory = aMemory();
  const value = ["\n".repeat(500_000), 12345678901234567890n];

  await memory.set("k", value);

  assert.deepEqual(await memory.get("k"), value);
  assert.equal((await memory.getText("k")).length, 1_000_025);
});

const circle = [];
circle.push({ circle });
const refusals = {
  undefined: [undefined, "A memory holds JSON, and value is of type undefined."],
  NaN: [{ a: [1, NaN] }, 'A memory holds JSON, and value["a"][1] is NaN.'],
  infinity: [[-Infinity], "A memory holds JSON, and value[0] is -Infinity."],
  "a date": [{ at: new Date(0) }, 'A memory holds JSON, and value["at"] is of type Date.'],
  "a map": [new Map(), "A memory holds JSON, and value is of type Map."],
  "a function": [[() => 1], "A memory holds JSON, and value[0] is of type function."],
  "a symbol": [Symbol("s"), "A memory holds JSON, and value is of type symbol."],
  "a hole": [[1, , 2], "A memory holds JSON, and value[1] is of type undefined."],
  "a circle": [circle, 'A memory holds JSON, and value[0]["circle"] is in itself.'],
  "a lone surrogate": [["\ud800"], "A memory holds JSON, and value[0] has a lone surrogate, which is no Unicode text."],
  "a member that is undefined": [{ a: undefined }, 'A memory holds JSON, and value["a"] is of type undefined.'],
};

for (const [name, [value, message]] of Object.entries(refusals)) {
  test(`${name} is refused before anything is sent`, async () => {
    const memory = aMemory({ fetch: () => assert.fail("sent") });

    await assert.rejects(memory.set("k", value), (error) => {
      assert.ok(error instanceof UnsupportedValueError && error instanceof BotWireError);
      assert.equal(error.message, message);
      assert.equal(error.name, "UnsupportedValueError");
      return true;
    });
  });
}

test("what is nested too deep to be written is refused", async () => {
  let deep = [];
  for (let depth = 0; depth < 20_000; depth += 1) deep = [deep];

  await assert.rejects(aMemory().set("k", deep), JSONTooDeepError);
  deep = [];
  for (let depth = 0; depth < 64; depth += 1) deep = [deep];
  await assert.rejects(aMemory().set("k", deep), { name: "JSONTooDeepError", status: 400, limit: 64 });
});

test("what is no JSON text is refused", () => {
  for (const text of ["", "hello", "{a: 1}", "01", "NaN", '"\ud800"', 42, undefined]) {
    assert.throws(() => new RawJSON(text), UnsupportedValueError);
  }
});

test("any key is a key", async () => {
  const memory = aMemory();

  for (const key of CORPUS.keys) await memory.set(key, key);

  const entries = await memory.getMany(CORPUS.keys);
  assert.deepEqual(entries, new Map(CORPUS.keys.map((key) => [key, key])));
  for (const key of CORPUS.keys) assert.equal(await memory.get(key), key);
});

test("what can not be a name is refused before anything is sent", async () => {
  const memory = aMemory({ fetch: () => assert.fail("sent") });

  for (const key of ["", ".", "..", "a/../b", "a/.", "\u0000", "a\n", "\ud800", "é".repeat(257)]) {
    await assert.rejects(memory.get(key), { name: "InvalidKeyError", code: "invalid_key", status: null, limit: 512 });
  }
  await assert.rejects(memory.list("a\n"), { name: "InvalidPrefixError" });
  for (const name of ["", "a b", "-a", "a".repeat(65)]) {
    assert.throws(() => new Memory(name), { name: "InvalidNamespaceError", limit: 64 });
  }
  await assert.rejects(memory.get(42), TypeError);
});
