// Runs one scenario with the official client and writes what was seen, as JSON, into a file.
//
// node scenarios.mjs URL DATABASE OWNER_TOKEN SCENARIO FILE

import { writeFileSync } from "node:fs";
import { ConnectionId, Identity, ScheduleAt, TimeDuration, Timestamp } from "spacetimedb";
import { DbConnection } from "./bindings.mjs";

const [url, database, ownerToken, scenario, file] = process.argv.slice(2);

function connect({ token, compression = "none", onDisconnect = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    DbConnection.builder()
      .withUri(url)
      .withDatabaseName(database)
      .withToken(token)
      .withCompression(compression)
      .onConnect((connection, identity, given) => resolve({ connection, identity: identity.toHexString(), token: given }))
      .onConnectError((_, error) => reject(error))
      .onDisconnect((_, error) => onDisconnect(error))
      .build();
  });
}

function subscribe(connection, ...queries) {
  return new Promise((resolve, reject) => {
    const handle = connection
      .subscriptionBuilder()
      .onApplied(() => resolve(handle))
      .onError((context) => reject(context.event))
      .subscribe(queries);
  });
}

const unsubscribe = (handle) => new Promise((resolve) => handle.unsubscribeThen(resolve));

// Notes every change of the people, and lets a test wait until it has seen a number of them.
function watch(connection) {
  const seen = [];
  const waiting = [];
  const note = (...entry) => {
    seen.push(entry);
    waiting.filter(([count]) => seen.length >= count).forEach(([, resolve]) => resolve(seen));
  };
  connection.db.person.onInsert((_, row) => note("insert", row.name, row.age));
  connection.db.person.onUpdate((_, old, row) => note("update", row.name, old.age, row.age));
  connection.db.person.onDelete((_, row) => note("delete", row.name, row.age));
  return { seen, until: (count) => new Promise((resolve) => (seen.length >= count ? resolve(seen) : waiting.push([count, resolve]))) };
}

const failure = (promise) => promise.then(() => null, (error) => [error.name, error.message]);
const names = (connection) => [...connection.db.person.iter()].map((row) => row.name).sort();

const scenarios = {
  async connect() {
    const { connection, identity, token } = await connect();
    return { identity, same: connection.identity.toHexString() === identity, token, active: connection.isActive };
  },

  async changes() {
    const [caller, watcher] = [await connect(), await connect()];
    const [own, others] = [watch(caller.connection), watch(watcher.connection)];
    await subscribe(caller.connection, "SELECT * FROM person");
    await subscribe(watcher.connection, "SELECT * FROM person WHERE team = 1");
    const { reducers } = caller.connection;
    await reducers.addPerson({ name: "Ada", team: 1, age: 36 });
    const atOnce = [...own.seen];
    await reducers.addPerson({ name: "Bob", team: 2, age: 20 });
    await reducers.setAge({ name: "Ada", age: 37 });
    await reducers.removePerson({ name: "Ada" });
    return { atOnce, own: own.seen, others: await others.until(3), left: names(caller.connection) };
  },

  async errors() {
    const { connection } = await connect();
    return {
      fails: await failure(connection.reducers.fails({ text: "my text ✗" })),
      panics: await failure(connection.reducers.panics({})),
      unknown: await failure(connection.reducers.noSuchReducer({})),
      after: await failure(connection.reducers.nothing({})),
      query: await subscribe(connection, "SELECT * FROM nowhere").then(() => null, (error) => error.message),
    };
  },

  async every_type() {
    const { connection } = await connect();
    await subscribe(connection, "SELECT * FROM every_type");
    const row = {
      id: 1, a_bool: true, a_u8: 255, a_u16: 65535, a_u32: 4294967295, a_u64: 2n ** 64n - 1n, a_u128: 2n ** 128n - 1n,
      a_u256: 2n ** 256n - 1n, a_i8: -128, a_i16: -32768, a_i32: -2147483648, a_i64: -(2n ** 63n), a_i128: -(2n ** 127n),
      a_i256: -(2n ** 255n), a_f32: 1.25, a_f64: -2.5e-300, a_string: "héllo ✓", some_bytes: new Uint8Array([0, 1, 255]),
      some_ints: [1, -2, 3], some_strings: ["a", ""], maybe_string: "some", maybe_u32: undefined,
      a_point: { x: -7, label: "p" }, a_shape: { tag: "Circle", value: 1.5 },
      shapes: [{ tag: "Empty", value: {} }, { tag: "Named", value: { x: 3, label: undefined } }, { tag: "Many", value: new Uint8Array([97]) }],
      an_identity: connection.identity, a_connection: new ConnectionId(15n), a_time: new Timestamp(1700000000123456n),
      a_duration: new TimeDuration(-5000000n), a_schedule: ScheduleAt.interval(1000000n),
    };
    const plain = (value) =>
      JSON.stringify(value, (_, inner) =>
        typeof inner === "bigint" ? `${inner}n` : inner instanceof Uint8Array ? [...inner] : inner);
    await connection.reducers.putEvery({ row });
    const [stored] = [...connection.db.every_type.iter()];
    const mismatches = Object.keys(row).filter((name) => plain(stored[name]) !== plain(row[name])).map((name) => [name, plain(stored[name])]);
    return { columns: Object.keys(stored).length, mismatches };
  },

  async unsubscribe() {
    const { connection } = await connect();
    const changes = watch(connection);
    const handle = await subscribe(connection, "SELECT * FROM person");
    await connection.reducers.addPerson({ name: "Ada", team: 1, age: 36 });
    const before = names(connection);
    await unsubscribe(handle);
    const after = names(connection);
    await connection.reducers.addPerson({ name: "Bob", team: 1, age: 20 });
    return { before, after, changes: changes.seen, active: handle.isActive() };
  },

  async reconnect() {
    const first = await connect();
    await first.connection.reducers.addPerson({ name: "Ada", team: 1, age: 36 });
    first.connection.disconnect();
    const second = await connect({ token: first.token });
    await subscribe(second.connection, "SELECT * FROM person");
    return { same: first.identity === second.identity, names: names(second.connection) };
  },

  async large() {
    const counts = {};
    for (const [compression, n] of [["none", 5000], ["gzip", 6000]]) {
      const { connection } = await connect({ compression });
      await subscribe(connection, "SELECT * FROM seen");
      await connection.reducers.many({ n });
      counts[compression] = Number(connection.db.seen.count());
    }
    return counts;
  },

  async many_calls() {
    const { connection } = await connect();
    await subscribe(connection, "SELECT * FROM person");
    const order = [];
    const calls = Array.from({ length: 1000 }, (_, i) =>
      connection.reducers.addPerson({ name: `p${i}`, team: 1, age: 1 }).then(() => order.push(i)));
    await Promise.all(calls);
    return { ordered: order.every((number, i) => number === i), rows: names(connection).length };
  },

  async refused() {
    const { connection } = await connect();
    const token = await failure(connect({ token: "not.a.token" }));
    await connection.reducers.closeDoor({});
    const door = await Promise.race([
      failure(connect()),
      new Promise((resolve) => connect({ onDisconnect: () => resolve("disconnected") }).catch(() => resolve("error"))),
    ]);
    return { token, door };
  },

  async deleted() {
    const gone = new Promise((resolve) => connect({ onDisconnect: () => resolve(true) }).then(() => {
      fetch(`${url}/v1/database/${database}`, { method: "DELETE", headers: { Authorization: `Bearer ${ownerToken}` } });
    }));
    return { gone: await gone };
  },
};

const result = await scenarios[scenario]();
writeFileSync(file, JSON.stringify(result));
process.exit(0);
