"""Rules of a kind that leave records out: whom they must not serve, and whether they can take more."""

from data.kinds.declaration import KindDeclaration
from data.kinds.record import KindRecord

_LEAST_NAME = 4  # characters of a name that may be part of another one


def has_room(record: KindRecord, kind: KindDeclaration) -> bool:
    """Tell whether a record can take more: no value has reached the field that bounds it."""
    for field in kind.fields:
        value = record.attributes.get(field.name)
        bound = record.attributes.get(field.at_most) if field.at_most else None
        if isinstance(value, int | float) and isinstance(bound, int | float) and value >= bound:
            return False
    return True


def barred_firms(record: KindRecord, kind: KindDeclaration) -> set[str]:
    """Return the folded names of the enterprises that a record must not serve, its provider among them.

    Who works for a firm has an interest in it, stated or not. Kinds that declare no conflict of interest bar nobody.
    """
    found = set()
    for field in kind.fields:
        if field.against == "enterprise":
            value = record.attributes.get(field.name)
            named = value if isinstance(value, tuple) else () if value is None else (value,)
            found |= {folded_firm(str(one)) for one in (*named, record.provider)}
    return found - {""}


def folded_firm(name: str) -> str:
    """Return a firm's name as names are compared."""
    return name.strip().casefold()


def same_firm(one: str, other: str) -> bool:
    """Tell whether two folded names are of one firm: equal, or one of four characters or more is part of the other."""
    shorter, longer = sorted((one, other), key=len)
    return bool(shorter) and (one == other or (len(shorter) >= _LEAST_NAME and shorter in longer))
