// Bindings of the test module, written by hand in the shape that `spacetime generate` gives them.

import {
  DbConnectionBuilder,
  DbConnectionImpl,
  SubscriptionBuilderImpl,
  procedures,
  reducerSchema,
  reducers,
  schema,
  t,
  table,
} from "spacetimedb";

const Point = t.object("Point", { x: t.i32(), label: t.option(t.string()) });
const Shape = t.enum("Shape", { Empty: t.unit(), Circle: t.f64(), Named: Point, Many: t.byteArray() });

const everyType = {
  id: t.u32().primaryKey(),
  a_bool: t.bool(),
  a_u8: t.u8(),
  a_u16: t.u16(),
  a_u32: t.u32(),
  a_u64: t.u64(),
  a_u128: t.u128(),
  a_u256: t.u256(),
  a_i8: t.i8(),
  a_i16: t.i16(),
  a_i32: t.i32(),
  a_i64: t.i64(),
  a_i128: t.i128(),
  a_i256: t.i256(),
  a_f32: t.f32(),
  a_f64: t.f64(),
  a_string: t.string(),
  some_bytes: t.byteArray(),
  some_ints: t.array(t.i32()),
  some_strings: t.array(t.string()),
  maybe_string: t.option(t.string()),
  maybe_u32: t.option(t.u32()),
  a_point: Point,
  a_shape: Shape,
  shapes: t.array(Shape),
  an_identity: t.identity(),
  a_connection: t.connectionId(),
  a_time: t.timestamp(),
  a_duration: t.timeDuration(),
  a_schedule: t.scheduleAt(),
};
const EveryType = t.row("EveryType", everyType);
const Person = t.row({ id: t.u64().primaryKey(), name: t.string(), team: t.u32(), age: t.u8() });
const Seen = t.row({ what: t.string() });

const unique = (column) => [{ name: `${column}_key`, constraint: "unique", columns: [column] }];
const key = (column) => [{ accessor: column, name: `${column}_idx`, algorithm: "btree", columns: [column] }];

const tables = schema({
  every_type: table({ name: "every_type", indexes: key("id"), constraints: unique("id") }, EveryType),
  person: table({ name: "person", indexes: key("id"), constraints: unique("id") }, Person),
  seen: table({ name: "seen", indexes: [], constraints: [] }, Seen),
});

const calls = reducers(
  reducerSchema("add_person", { name: t.string(), team: t.u32(), age: t.u8() }),
  reducerSchema("set_age", { name: t.string(), age: t.u8() }),
  reducerSchema("remove_person", { name: t.string() }),
  reducerSchema("put_every", { row: EveryType }),
  reducerSchema("many", { n: t.u32() }),
  reducerSchema("nothing", {}),
  reducerSchema("fails", { text: t.string() }),
  reducerSchema("panics", {}),
  reducerSchema("no_such_reducer", {}),
  reducerSchema("close_door", {}),
);

const REMOTE_MODULE = {
  versionInfo: { cliVersion: "2.10.1" },
  tables: tables.schemaType.tables,
  reducers: calls.reducersType.reducers,
  ...procedures(),
};

export class DbConnection extends DbConnectionImpl {
  static builder = () => new DbConnectionBuilder(REMOTE_MODULE, (config) => new DbConnection(config));

  subscriptionBuilder = () => new SubscriptionBuilderImpl(this);
}
