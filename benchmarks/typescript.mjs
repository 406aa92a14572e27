// Does what it is told by lines on its standard input, with the official client, and answers each with seconds.
//
// node typescript.mjs URL; lines: calls DATABASE COUNT | rows DATABASE COUNT

import { createInterface } from "node:readline";
import { DbConnection } from "./bindings.mjs";

const [url] = process.argv.slice(2);
console.log = console.info = console.warn = () => {}; // what the client says is not an answer
const connections = {};
let number = 0;

function connect(database) {
  return new Promise((resolve, reject) => {
    DbConnection.builder()
      .withUri(url)
      .withDatabaseName(database)
      .withCompression("none")
      .onConnect((connection) => resolve(connection))
      .onConnectError((_, error) => reject(error))
      .build();
  });
}

const work = {
  async calls(connection, count) {
    const run = `typescript ${number++}`;
    const calls = [];
    const start = performance.now();
    for (let i = 0; i < count; i++) calls.push(connection.reducers.addPerson({ name: `${run} ${i}`, team: 1, age: 36 }));
    await Promise.all(calls);
    return performance.now() - start;
  },

  async rows(connection, count) {
    let handle;
    const start = performance.now();
    await new Promise((resolve, reject) => {
      handle = connection
        .subscriptionBuilder()
        .onApplied(() => resolve())
        .onError((context) => reject(context.event))
        .subscribe(["SELECT * FROM person"]);
    });
    const taken = performance.now() - start;
    if (Number(connection.db.person.count()) !== count) throw new Error("rows are missing");
    await new Promise((resolve) => handle.unsubscribeThen(resolve));
    return taken;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [what, database, count] = line.split(" ");
  const connection = (connections[database] ??= await connect(database));
  process.stdout.write(`${(await work[what](connection, Number(count))) / 1000}\n`);
}
process.exit(0);
