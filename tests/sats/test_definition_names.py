"""Which names, keys and visibility definitions end up with."""

from __future__ import annotations

from support import raw_definitions as raw

from pytest_inner_universe.sats import (
    SCHEDULE_AT,
    STRING,
    U8,
    U16,
    U32,
    U64,
    UNIT,
    Array,
    ConstraintDef,
    Element,
    IndexDef,
    Product,
    Ref,
    ScheduleDef,
    SequenceDef,
    Sum,
    SumVariant,
    decode_definition,
    option,
    product,
)

JOB = product(jobId=U64, runAt=SCHEDULE_AT)
ITEM = product(itemId1=U32, sizeX=U8, kindOf=Ref(1), parts=Array(Ref(2)))
KIND = Sum((SumVariant("VeryLarge", UNIT), SumVariant("Small2", product(inlineName=U8))))
PART = product(partName=STRING, maybeKind=option(Ref(1)), maybeInline=option(product(someName=U8)))


def test_form_9_takes_names_as_they_are_and_makes_up_missing_ones() -> None:
    definition = decode_definition(
        raw.definition_v9(
            types=[product(Id=U32, sizeX=U8, runAt=SCHEDULE_AT, key=U64)],
            tables=[
                raw.table_v9(
                    "myTable",
                    key=[3],
                    indexes=[
                        raw.index([3]),
                        raw.index([0, 1], algorithm=1),
                        raw.index([1], "given"),
                        raw.index([0], algorithm=2),
                    ],
                    constraints=[raw.constraint([3]), raw.constraint([1, 0], "pair")],
                    sequences=[raw.sequence(3), raw.sequence(0, "seq", (5, 1, 9), 2)],
                    schedule=(None, "run", 2),
                )
            ],
            reducers=[raw.reducer_v9("run", Product((Element("row", Ref(0)),))), raw.reducer_v9("start", hook=0)],
            named=[raw.declared("MyTable", 0, ["game", "model"])],
            exports=[
                raw.default_v9("myTable", 1, b"\x07"),
                raw.procedure_v9("proc"),
                b"\x02" + raw.view("all", Array(Ref(0))),
            ],
            filters=["SELECT * FROM myTable"],
        )
    )
    table = definition.tables["myTable"]
    assert table.indexes == (
        IndexDef("myTable_key_idx_btree", "myTable_key_idx_btree", (3,), "btree"),
        IndexDef("myTable_Id_sizeX_idx_hash", "myTable_Id_sizeX_idx_hash", (0, 1), "hash"),
        IndexDef("given", "given", (1,), "btree"),
        IndexDef("myTable_Id_idx_direct", "myTable_Id_idx_direct", (0,), "direct"),
    )
    assert table.constraints == (ConstraintDef("myTable_key_key", (3,)), ConstraintDef("pair", (1, 0)))
    assert table.sequences == (
        SequenceDef("myTable_key_seq", 3, None, None, None, 1),
        SequenceDef("seq", 0, 5, 1, 9, 2),
    )
    assert table.schedule == ScheduleDef("myTable_sched", "run", 2)
    assert table.defaults == {1: b"\x07"}
    assert definition.lifecycle == {"init": definition.reducers["start"]}
    assert definition.types == {"game.model.MyTable": table.row_type}
    assert (list(definition.procedures), list(definition.views)) == (["proc"], ["all"])
    assert definition.row_level_security == ("SELECT * FROM myTable",)


def v10(**changes: object) -> bytes:
    sections: dict[str, object] = {
        "types": [ITEM, KIND, PART, JOB],
        "named": [raw.declared("item_type", 0, ["game_scope"]), raw.declared("KIND", 1)],
        "tables": [
            raw.table_v10(
                "gameItem",
                key=[0],
                indexes=[raw.index([0], "gameItem_itemId1_idx_btree"), raw.index([1], "gameItem_sizeX_idx_btree")],
                constraints=[raw.constraint([0], "whatever")],
                sequences=[raw.sequence(0)],
                defaults=[(1, b"\x05")],
                is_event=True,
            ),
            raw.table_v10("Jobs", 3, [0], [raw.index([0], "Jobs_jobId_idx_btree")], [raw.constraint([0])]),
        ],
        "reducers": [
            raw.reducer_v10("runJob", Product((Element("theRow", Ref(3)),))),
            raw.reducer_v10("StartUp"),
            raw.reducer_v10(
                "addItem", Product((Element("newItem", Ref(0)), Element("kind2", option(product(someName=U8)))))
            ),
        ],
        "procedures": [raw.procedure_v10("askThem", Ref(1))],
        "views": [raw.view("myItems", Product((Element("__query__", Ref(0)),))), raw.view("bigOnes", Array(Ref(0)))],
        "schedules": [raw.schedule_v10("Jobs", 1, "runJob")],
        "hooks": [raw.hook_v10(0, "StartUp")],
    }
    return raw.definition_v10(**{**sections, **changes})


def test_form_10_converts_names() -> None:
    definition = decode_definition(v10())
    table = definition.tables["game_item"]
    assert (table.source_name, definition.table("gameItem"), table.is_event) == ("gameItem", table, True)
    assert [(column.name, column.source_name) for column in table.columns] == [
        ("item_id_1", "itemId1"),
        ("size_x", "sizeX"),
        ("kind_of", "kindOf"),
        ("parts", "parts"),
    ]
    assert table.indexes == (
        IndexDef("game_item_item_id_1_idx_btree", "gameItem_itemId1_idx_btree", (0,), "btree"),
        IndexDef("game_item_size_x_idx_btree", "gameItem_sizeX_idx_btree", (1,), "btree"),
    )
    assert table.constraints == (ConstraintDef("game_item_item_id_1_key", (0,)),)
    assert table.sequences[0].name == "game_item_item_id_1_seq"
    assert table.defaults == {1: b"\x05"}
    assert definition.tables["jobs"].schedule == ScheduleDef("jobs_sched", "run_job", 1)
    assert {
        name: (reducer.id, reducer.source_name, reducer.is_private) for name, reducer in definition.reducers.items()
    } == {
        "run_job": (0, "runJob", True),
        "start_up": (1, "StartUp", True),
        "add_item": (2, "addItem", False),
    }
    assert definition.lifecycle == {"init": definition.reducers["start_up"]}
    assert list(definition.procedures) == ["ask_them"]


def test_form_10_converts_names_inside_of_named_types_only() -> None:
    definition = decode_definition(v10())
    kind = Sum((SumVariant("veryLarge", UNIT), SumVariant("small2", product(inline_name=U8))))
    part = product(part_name=STRING, maybe_kind=option(kind), maybe_inline=option(product(someName=U8)))
    item = product(item_id_1=U32, size_x=U8, kind_of=kind, parts=Array(part))
    assert definition.tables["game_item"].row_type == item
    assert definition.types == {"GameScope.ItemType": item, "Kind": kind}
    assert definition.reducers["add_item"].params == product(new_item=item, kind_2=option(product(someName=U8)))
    assert definition.procedures["ask_them"].return_type == kind


def test_keys_of_views() -> None:
    definition = decode_definition(v10())
    assert definition.views["my_items"].primary_key == ("item_id_1",)
    assert definition.views["big_ones"].primary_key == ()
    chosen = decode_definition(v10(view_keys=[("bigOnes", ["sizeX"])]))
    assert chosen.views["big_ones"].primary_key == ("size_x",)


def test_explicit_names_and_no_conversion() -> None:
    explicit = [
        raw.explicit(0, "gameItem", "THINGS"),
        raw.explicit(1, "addItem", "Add"),
        raw.explicit(2, "gameItem_sizeX_idx_btree", "by_size"),
    ]
    named = decode_definition(v10(explicit=explicit))
    assert [index.name for index in named.tables["THINGS"].indexes] == ["THINGS_item_id_1_idx_btree", "by_size"]
    assert named.reducers["Add"].source_name == "addItem"
    plain = decode_definition(v10(policy=0))
    assert list(plain.tables) == ["gameItem", "Jobs"]
    assert plain.tables["gameItem"].columns[0].name == "itemId1"
    assert list(plain.types) == ["game_scope.item_type", "KIND"]


def test_a_recursive_type_may_be_declared() -> None:
    definition = decode_definition(
        raw.definition_v9(
            types=[product(next=option(Ref(0))), product(a=U16)], named=[raw.declared("List", 0), raw.declared("A", 1)]
        )
    )
    assert definition.types == {"List": Ref(0), "A": product(a=U16)}
