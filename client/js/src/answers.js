// How the server's answers are read, with nothing taken on trust: whatever is not what BotWire sends throws here, and
// `exchange.js` makes one error of that. Names become JavaScript's (`updated_at` is `updatedAt`), times become dates.

import { memberText, parseJSON } from "./json.js";

const CREATED = 201;
const LIMITS = {
  writesPerDay: "writes_per_day",
  bytes: "bytes",
  valueBytes: "value_bytes",
  keyBytes: "key_bytes",
  jsonDepth: "json_depth",
  keysPerPage: "keys_per_page",
  ttlSeconds: "ttl_seconds",
};

/** The members of a JSON object, each asked for by the type that it has to have. */
class Members {
  #answer;

  constructor(answer) {
    this.#answer = typed(answer, typeof answer === "object" && answer !== null && !Array.isArray(answer), "object");
  }

  static of(text) {
    return new Members(parseJSON(text));
  }

  has(name) {
    return Object.hasOwn(this.#answer, name);
  }

  value(name) {
    if (!this.has(name)) throw new TypeError(`There is no ${name}.`);
    return this.#answer[name];
  }

  text(name) {
    return typed(this.value(name), typeof this.value(name) === "string", name);
  }

  integer(name) {
    return typed(this.value(name), Number.isSafeInteger(this.value(name)), name);
  }

  truth(name) {
    return typed(this.value(name), typeof this.value(name) === "boolean", name);
  }

  moment(name) {
    const date = new Date(this.text(name));
    return typed(date, !Number.isNaN(date.getTime()), name);
  }

  members(name) {
    return new Members(this.value(name));
  }

  list(name) {
    return typed(this.value(name), Array.isArray(this.value(name)), name);
  }

  rows(name) {
    return this.list(name).map((row) => new Members(row));
  }

  /** `read(name)`, or null where that is what stands there. */
  optional(read, name) {
    return this.value(name) === null ? null : this[read](name);
  }

  writer() {
    if (this.value("writer") === null) return null;
    const writer = this.members("writer");
    return { name: writer.text("name"), verified: writer.truth("verified") };
  }
}

export function readSetResult(text, status) {
  const answer = Members.of(text);
  return {
    namespace: answer.text("namespace"),
    key: answer.text("key"),
    version: answer.integer("version"),
    created: status === CREATED,
    bytes: answer.integer("bytes"),
    ...times(answer),
  };
}

export function readEntry(text) {
  const answer = Members.of(text);
  return entryOf(answer, answer.text("namespace"));
}

/** The text of an entry's value, as it was written. */
export function readValueText(text) {
  const found = memberText(text, "value");
  return typed(found, Members.of(text).has("version") && found !== undefined, "value");
}

export function readDeleted(text) {
  return Members.of(text).truth("deleted");
}

/** The value as it is after a PATCH. */
export function readChanged(text) {
  return Members.of(text).value("value");
}

/** What an answer without the value tells of a PATCH: the list's length, and what was taken out of it. */
export function readBriefChange(text) {
  const answer = Members.of(text);
  return {
    length: answer.has("length") ? answer.integer("length") : 0,
    popped: answer.has("popped") ? answer.list("popped") : [],
  };
}

export function readBatch(text) {
  const answer = Members.of(text);
  return { revision: answer.integer("revision"), results: answer.rows("results") };
}

export function readChangePage(text) {
  const answer = Members.of(text);
  return {
    changes: answer.rows("changes").map(changeOf),
    next: answer.integer("next"),
    revision: answer.integer("revision"),
  };
}

export function readGrant(text) {
  return grantOf(Members.of(text));
}

export function readReleased(text) {
  return Members.of(text).truth("released");
}

/** A claimed entry, and the lease on it. */
export function readClaimed(text) {
  const answer = Members.of(text);
  const entry = answer.members("entry");
  return {
    key: entry.text("key"),
    value: entry.value("value"),
    version: entry.integer("version"),
    grant: grantOf(answer.members("lease")),
  };
}

export function readCount(text) {
  return Members.of(text).integer("count");
}

/** A part of a list: `{ items, next }`, where `next` is null on the last part. */
export function readKeys(text) {
  const answer = Members.of(text);
  return {
    items: answer.list("keys").map((key) => typed(key, typeof key === "string", "key")),
    next: answer.optional("text", "next_cursor"),
  };
}

export function readItems(text) {
  const answer = Members.of(text);
  const items = answer.rows("entries").map((row) => [row.text("key"), row.value("value")]);
  return { items, next: answer.optional("text", "next_cursor") };
}

export function readUsage(text) {
  const answer = Members.of(text);
  const [used, limits] = [answer.members("usage"), answer.members("limits")];
  return {
    namespace: answer.text("namespace"),
    access: answer.text("access"),
    status: answer.text("status"),
    reason: answer.optional("text", "reason"),
    until: answer.optional("moment", "until"),
    revision: answer.integer("revision"),
    createdAt: answer.moment("created_at"),
    lastWriteAt: answer.optional("moment", "last_write_at"),
    limits: Object.fromEntries(Object.entries(LIMITS).map(([name, member]) => [name, limits.integer(member)])),
    day: used.text("day"),
    writes: used.integer("writes"),
    bytes: used.integer("bytes"),
    entries: used.integer("entries"),
    reads: used.integer("reads"),
    resetsAt: used.moment("resets_at"),
  };
}

function entryOf(answer, namespace) {
  return {
    namespace,
    key: answer.text("key"),
    value: answer.value("value"),
    version: answer.integer("version"),
    writer: answer.writer(),
    ...times(answer),
  };
}

function times(answer) {
  return {
    createdAt: answer.moment("created_at"),
    updatedAt: answer.moment("updated_at"),
    expiresAt: answer.optional("moment", "expires_at"),
  };
}

function changeOf(row) {
  return {
    revision: row.integer("revision"),
    kind: row.text("kind"),
    key: row.text("key"),
    ...(row.has("value") ? { value: row.value("value") } : {}),
    writer: row.writer(),
    at: row.moment("at"),
  };
}

function grantOf(answer) {
  return { name: answer.text("name"), fencing: answer.integer("fencing") };
}

function typed(value, isRight, what) {
  if (!isRight) throw new TypeError(`${what} is not what BotWire sends.`);
  return value;
}
