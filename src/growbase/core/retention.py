"""How long rows are kept: rules beside the models, carried out by ``jobs.retention``."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Retention:
    """One rule of a model's ``__retention__``: rows go ``days`` after their moment ``since``.

    ``days`` may name a setting, which is 0 where rows stay for ever. ``where`` is one more term of SQL over ``t``, the
    same on both engines. With ``empties`` rows stay and these columns get the value given; the ``where`` must not hold
    any more then, to which the column ``stamp`` can help, which is set to the time. ``part`` tells rules of one table
    apart. What is not ``holdable`` tells of nobody, so that a legal hold does not keep it.
    """

    since: str
    days: int | str
    where: str = ""
    empties: Mapping[str, object] = field(default_factory=dict)
    stamp: str = ""
    part: str = ""
    holdable: bool = True
