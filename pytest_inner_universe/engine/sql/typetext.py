"""Types as the server writes them in SQL errors, where special types are shown by their structure."""

from __future__ import annotations

from ...sats.types import AlgebraicType, Array, Primitive, Product, Sum


def type_text(type_: AlgebraicType) -> str:
    """Return the server's text of a type, ``(x: I32, label: (some: String | none: ()))``."""
    if isinstance(type_, Primitive):
        return type_.kind
    if isinstance(type_, Array):
        return f"Array<{type_text(type_.element)}>"
    if isinstance(type_, Product):
        fields = (f"{e.name if e.name is not None else i}: {type_text(e.type)}" for i, e in enumerate(type_.elements))
        return "(" + ", ".join(fields) + ")"
    if isinstance(type_, Sum):
        if not type_.variants:
            return "(|)"
        variants = (
            f"{v.name}: {type_text(v.type)}" if v.name is not None else type_text(v.type) for v in type_.variants
        )
        return "(" + " | ".join(variants) + ")"
    return str(type_)
