"""What of a record may be shown to whom: its visibility decides, and fields of persons are shown of public records only."""

from data.kinds.declaration import FieldType, KindDeclaration, Visibility
from data.kinds.record import KindRecord

HIDDEN: Visibility = "保密"
PUBLIC: Visibility = "公开"
_TITLE_ONLY = {"content": "", "keywords": (), "extra": {}}


def disclosed(record: KindRecord, kind: KindDeclaration) -> KindRecord | None:
    """Return a record as anybody may see it, None if nobody may.

    公开 shows all. 摘要公开 leaves out texts and fields of persons, 授权 shows title, provider, region and field alone, 保密
    nothing.
    """
    if record.visibility == PUBLIC:
        return record
    if record.visibility == HIDDEN:
        return None
    if record.visibility == "授权":
        return record.model_copy(update=_TITLE_ONLY | {"attributes": {}})
    hidden = {field.name for field in kind.fields if field.personal or field.type is FieldType.TEXT}
    attributes = {name: value for name, value in record.attributes.items() if name not in hidden}
    return record.model_copy(update={"content": "", "extra": {}, "attributes": attributes})
