"""An earlier call as people write it in a rule."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator
from typing_extensions import Self

from litellm_bighub.domain.conversation.fact import PATH
from litellm_bighub.policy.history.earlier_call import EarlierCall, Whose

MOST_SECONDS = 30 * 86400


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _same_names(value: object) -> object:
    """`same: order_id`, or a list: the argument has the same name in both calls."""
    names = [value] if isinstance(value, str) else value
    return {name: name for name in names} if isinstance(names, list) else value


def _path(text: str) -> str:
    if not PATH.fullmatch(text):
        raise ValueError(f"`{text}` is no argument; write its name, or names with dots, as in order.id")
    return text


Path = Annotated[str, Field(max_length=200), AfterValidator(_path)]


class EarlierCallText(BaseModel):
    """An earlier call. A text is the pattern of its tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]],
        BeforeValidator(_as_list),
        Field(min_length=1, max_length=200),
    ] = Field(description="pattern of its tool's name, or a list of them")
    same: Annotated[dict[Path, Path], BeforeValidator(_same_names), Field(max_length=20)] = Field(
        default_factory=dict,
        description="arguments that are the same: {in this call: in the earlier one}, or names that both have",
    )
    within_seconds: Annotated[float, Strict(), Field(gt=0, le=MOST_SECONDS)] | None = Field(
        default=None, description="how long ago it may be; without it, however long"
    )
    of: Whose = Field(
        default="conversation", description="caller: it counts in all conversations of the same key and user"
    )

    @model_validator(mode="before")
    @classmethod
    def _of_tool(cls, value: object) -> object:
        return {"tool": value} if isinstance(value, str | list) else value

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if len(set(self.same.values())) != len(self.same):
            raise ValueError("`same` compares an argument of the earlier call twice")
        if self.of == "caller" and self.within_seconds is None:
            raise ValueError("`of: caller` looks at all conversations; say within how many seconds")
        return self

    @property
    def value(self) -> EarlierCall:
        """As it is evaluated."""
        same = {earlier: ours for ours, earlier in self.same.items()}
        return EarlierCall(tuple(self.tool), same, self.within_seconds, self.of)
