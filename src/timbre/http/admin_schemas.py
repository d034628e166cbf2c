"""The answers about a team's settings and the server itself, as the API reference describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from timbre.http.schemas import Answer, Time, Uuid
from timbre.service.accounts.requests import ScopeName

Fraction = Annotated[float, Field(ge=0, le=1)]
Bytes = Annotated[int, Field(ge=0)]
Hint = Annotated[str, Field(description="Its last characters, by which keys are told apart.", examples=["x7Gq2M"])]


class Key(Answer):
    """An API key, without what it is."""

    id: Uuid
    name: str = Field(examples=["laptop"])
    hint: Hint
    scopes: list[ScopeName]
    created_at: Time
    revoked_at: Time | None = Field(description="When it was made worthless; null while it is valid.")
    current: bool = Field(description="Whether it is the one that asks.")


class KeyList(Answer):
    """All keys of the team, the newest first."""

    items: list[Key]


class NewKey(Answer):
    """An API key that was just made."""

    id: Uuid
    name: str = Field(examples=["laptop"])
    hint: Hint
    scopes: list[ScopeName]
    key: str = Field(description="The key itself; nobody can see it again.", examples=["sk_4b7Yq…"])


class KeyRevoked(Answer):
    """The key is worthless from now on."""

    id: Uuid
    revoked_at: Time


class Secret(Answer):
    """A secret that webhooks are signed with."""

    secret: str = Field(examples=["whsec_c2VjcmV0"])
    created_at: Time
    expires_at: Time | None = Field(description="When it is no longer used; null for the newest.")


class SecretList(Answer):
    """The secrets that receivers may verify with, the one of `X-Signature` first."""

    items: list[Secret]


class ModelFile(Answer):
    """One file of a pack."""

    name: str = Field(examples=["redimnet2-b3"])
    kind: Literal["vad", "segmenter", "encoder"]
    on_disk: bool
    bytes: Bytes | None = Field(description="Size of the download; null where it was not published.")
    licence: str = Field(description="SPDX identifier.", examples=["MIT"])
    shipped: bool = Field(description="Whether it comes with Timbre.")
    note: str | None = Field(description="What to know before using it; null if there is nothing.")


class Pull(Answer):
    """How the last pull of a pack goes or went."""

    state: Literal["running", "succeeded", "failed"]
    machine: str = Field(description="Name of the machine whose disk the files go to.", examples=["api-1"])
    file: str | None = Field(description="What is being fetched, or was last; null before the first.")
    fraction: Fraction = Field(examples=[0.42])
    started_at: Time
    ended_at: Time | None = Field(description="Null while it runs.")
    error: str | None = Field(description="Why it failed; null unless it did.")


class ModelPack(Answer):
    """A segmenter and an encoder that go together."""

    name: str = Field(examples=["standard"])
    description: str
    complete: bool = Field(description="Whether everything that it needs is on the disk of the machine that answers.")
    bytes: Bytes | None = Field(description="Size of what it needs; null where it was not published.")
    licences: list[str] = Field(examples=[["MIT"]])
    files: list[ModelFile] = Field(description="Alternatives included: of several segmenters one is needed.")
    pull: Pull | None = Field(description="Null if it was never pulled over HTTP.")


class Models(Answer):
    """The packs of models, the best first."""

    model: str = Field(
        description="The setting `TIMBRE_MODEL`; `auto` takes the first complete pack.", examples=["auto"]
    )
    default: str | None = Field(description="The pack of jobs that name none; null if it is not on disk.")
    offline: bool = Field(description="Whether downloads are forbidden by `TIMBRE_OFFLINE`.")
    packs: list[ModelPack]


class RetentionRule(Answer):
    """How long one kind of thing is kept."""

    name: str = Field(examples=["output_hours"])
    setting: str = Field(description="Environment variable that says so.", examples=["TIMBRE_OUTPUT_HOURS"])
    value: float = Field(ge=0, examples=[24])
    unit: Literal["seconds", "hours", "days", "months"]
    text: str = Field(examples=["Browsers stay signed in for 30 days."])


class ServerState(Answer):
    """What this server is."""

    version: str = Field(examples=["0.1.0"])
    schema_version: str = Field(alias="schema", description="Version of the database.", examples=["0002"])
    model: str = Field(description="The setting `TIMBRE_MODEL`.", examples=["auto"])
    default_pack: str | None = Field(description="The pack of jobs that name none; null if it is not on disk.")
    device: Literal["cpu", "cuda"]
    workers: int = Field(ge=0, description="Worker processes that are alive.")
    people: int = Field(ge=0, description="People in the team's gallery.")
    storage: str = Field(description="`folder`, or the kind of bucket: `s3`, `gs`, `az`.", examples=["folder"])
    master_key: bool = Field(description="Whether there is a key to protect voiceprints with; people need it.")
    retention: list[RetentionRule]
