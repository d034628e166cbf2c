"""The one table of settings: every field is the environment variable `TIMBRE_<NAME>`.

Lists are written with commas. `docs/reference/settings.md` lists them all; a test compares.
"""

from __future__ import annotations

import os
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Network = IPv4Network | IPv6Network

_WORDS_MODEL: Final = "whisper-1"  # the name that most servers take, whatever they recognise with
LaneName = Literal["fetch", "short", "long", "webhooks", "upgrades"]
_LISTS: Final = (  # which may be empty
    *("allowed_hosts", "allowed_networks", "asr_models", "asr_networks", "lanes", "webhook_retries"),
    *("oidc_scopes", "oidc_domains", "oidc_roles", "oidc_networks"),
)
_RULE: Final = re.compile(r".+=[^=]+:(viewer|editor|admin)")
_ANYBODY: Final = "*"
_HERE: Final = ("127.0.0.1", "::1", "localhost")


def _data_dir() -> Path:
    # A database cannot run as root: under another user it needs to reach its folder, which is no business of /root.
    return Path("/var/lib/timbre") if os.geteuid() == 0 else platformdirs.user_data_path("timbre")


class Settings(BaseSettings):
    """What can be set, with its default; construct it to read the environment."""

    model_config = SettingsConfigDict(env_prefix="TIMBRE_", frozen=True, extra="ignore", protected_namespaces=())

    model: str = Field("auto", description="Pack to use: base, standard, best, or auto for the best one on disk.")
    models_dir: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("timbre") / "models",
        description="Folder of the model files that do not come with Timbre.",
    )
    offline: bool = Field(False, description="Forbid every download; models must be on disk already.")
    hub_endpoint: str = Field("https://huggingface.co", description="Address of the model hub, for mirrors of it.")
    calibration: Path | None = Field(
        None, description="Calibration to use instead of the encoder's own: a file that `timbre calibrate` wrote."
    )
    device: Literal["cpu", "cuda"] = Field("cpu", description="Where models run.")
    threads: int = Field(0, ge=0, description="Processor cores to use; 0 means all that this process may use.")
    temp_dir: Path | None = Field(
        None, description="Folder for decoded audio while it is worked on; the system's if unset."
    )
    max_hours: float = Field(
        24.0, gt=0, allow_inf_nan=False, description="Longest recording that is accepted, in hours."
    )
    decode_memory_mb: int = Field(1024, ge=256, description="Memory that decoding one recording may take, in MiB.")
    decode_seconds: float = Field(
        900.0,
        gt=0,
        allow_inf_nan=False,
        description="Time that decoding one recording may take, in seconds, whatever its length.",
    )

    data_dir: Path = Field(
        default_factory=_data_dir,
        description="Folder of a server that brings its own database: the database, media and the log.",
    )
    database_url: str | None = Field(
        None, description="PostgreSQL to use instead of the embedded one, as `postgresql://user:password@host/name`."
    )
    storage_url: str | None = Field(
        None,
        description="Where media is kept instead of the data folder: `s3://bucket/prefix`, `gs://…`, `az://…`;"
        " credentials come from the provider's own environment variables.",
    )
    storage_links: bool = Field(
        True,
        description="Let clients upload to and download from the storage itself, by links it signs; `false` where they"
        " cannot reach it, then all goes through the API.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on; `0.0.0.0` for every network of the machine.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 for any free one.")
    public_url: str | None = Field(
        None, description="Address under which clients reach the server, for the links it hands out; as asked if unset."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Names by which clients may ask for the server, beside `localhost`, addresses and the name in"
        " `TIMBRE_PUBLIC_URL`: `timbre.example.org,timbre.lan`, or `*` for any. If unset, none where `TIMBRE_HOST` is a"
        " loopback address, and any elsewhere.",
    )
    workers: int = Field(1, ge=1, le=16, description="Worker processes that `timbre serve` starts.")
    lanes: Annotated[tuple[LaneName, ...], NoDecode] = Field(
        ("fetch", "short", "long", "webhooks", "upgrades"),
        min_length=1,
        description="What a worker does: `short` and `long` hear, `upgrades` bring galleries to another model, `fetch`"
        " and `webhooks` only wait for others.",
    )
    short_job_minutes: float = Field(
        10.0, gt=0, allow_inf_nan=False, description="Recordings up to this long are heard in the lane for short ones."
    )
    hear_places: int = Field(
        2,
        ge=1,
        le=16,
        description="Recordings that a worker hears at a time in each of its two lanes, for short and for long ones.",
    )
    fetch_places: int = Field(8, ge=1, le=64, description="Recordings that a worker fetches by their URLs at a time.")
    webhook_places: int = Field(16, ge=1, le=64, description="Webhooks that a worker sends at a time.")
    upload_places: int = Field(64, ge=1, description="Uploads that each API process takes at a time.")
    team_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Part of the places of a lane, and of those for uploads, that one team may hold, which is at least"
        " one place; `1` where there is only one team.",
    )
    hear_seconds: float = Field(
        300.0,
        gt=0,
        allow_inf_nan=False,
        description="Time that hearing any recording may take, in seconds; its length, times `TIMBRE_HEAR_PACE`, is"
        " added. What takes longer fails.",
    )
    hear_pace: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="Seconds that hearing may take for each second of a recording."
    )
    job_attempts: int = Field(
        3,
        ge=1,
        description="How often a job is begun, when its worker or decoder dies over it, before it is given up.",
    )
    heartbeat_seconds: float = Field(10.0, gt=0, description="How often a worker says that it lives.")
    stalled_seconds: float = Field(
        30.0,
        gt=0,
        description="Silence of a worker after which its jobs are taken up by another, and of any part of a server in"
        " the middle of a transaction after which the database ends that.",
    )
    stop_seconds: float = Field(
        5.0,
        ge=0,
        description="Time that running jobs have to end when a worker is stopped; then they start over later.",
    )
    drain_seconds: float = Field(
        0.0,
        ge=0,
        description="Time that an API goes on after it was told to stop, while `/readyz` sends proxies elsewhere; 0 for"
        " one that has no other beside it.",
    )
    upload_gb: float = Field(1.0, gt=0, description="Largest recording that is accepted, in GiB.")
    team_gb: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="GiB of recordings that a team may keep at a time; 0 for any number.",
    )
    free_gb: float = Field(
        0.5,
        ge=0,
        allow_inf_nan=False,
        description="GiB that stay free on the disks of media and of decoded sound: what would take them is refused,"
        " or waits.",
    )
    least_kb: float = Field(
        8.0,
        ge=0,
        allow_inf_nan=False,
        description="KiB a second at which uploads and recordings that are fetched have to arrive, over half a minute.",
    )
    voiceprint_upload_mb: float = Field(100.0, gt=0, description="Largest recording a voiceprint is made from, in MiB.")
    voiceprint_seconds: float = Field(
        30.0, gt=0, description="Longest recording a voiceprint is made from by the server, in seconds."
    )
    upload_link_seconds: int = Field(3600, ge=1, description="How long a link for uploading or downloading is valid.")
    fetch_seconds: float = Field(600.0, gt=0, description="Time that fetching a recording by its URL may take.")
    allowed_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Private networks that recordings may be fetched from and webhooks sent to: `10.0.0.0/8,::1/128`.",
    )
    asr_url: str | None = Field(
        None,
        description="Server that recognises words, in the shape of OpenAI's: `http://127.0.0.1:9000/v1`. Where it is on"
        " a private network, that has to be in `TIMBRE_ASR_NETWORKS`.",
    )
    asr_key: SecretStr | None = Field(None, description="Key that this server wants, if it wants one.")
    asr_model: str | None = Field(
        None,
        description="Model that this server is asked for, `whisper-1` if unset; without `TIMBRE_ASR_URL`, the model"
        " that recognises words in the worker itself, by the extra `asr`.",
    )
    asr_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Other models that a request may choose for its words: `large-v3,parakeet-tdt-0.6b-v3`. Those of"
        " the extra `asr` are all loaded by every worker.",
    )
    asr_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Private networks that the server for words may be in: `127.0.0.0/8`. They are allowed for nothing"
        " else: `TIMBRE_ALLOWED_NETWORKS` is for recordings and webhooks, and holds here too.",
    )
    asr_seconds: float = Field(
        300.0, gt=0, allow_inf_nan=False, description="Time it has to answer for one piece of a recording."
    )
    asr_piece_seconds: float = Field(
        120.0, ge=10, le=1400, description="Length of the longest piece of a recording that it is sent, in seconds."
    )
    asr_parallel: int = Field(2, ge=1, le=32, description="Pieces of a recording that it works on at a time.")
    webhook_http: bool = Field(False, description="Allow webhooks to plain `http://` addresses.")
    webhook_seconds: float = Field(10.0, gt=0, description="Time a webhook's receiver has to answer.")
    webhook_retries: Annotated[tuple[int, ...], NoDecode] = Field(
        (0, 60, 300), description="Seconds to wait before each retry of a webhook, counted from the attempt before."
    )
    webhook_signature: Literal["hex", "base64"] = Field("hex", description="Encoding of the `X-Signature` header.")
    webhook_secret_hours: float = Field(
        24.0, ge=0, description="How long the secret before stays valid after a new one was made."
    )
    submits_per_minute: int = Field(
        1000, ge=0, description="Requests a team may send to each submitting or media route a minute; 0 for any number."
    )
    reads_per_minute: int = Field(
        10000, ge=0, description="Requests a team may send to the reading routes a minute; 0 for any number."
    )
    refusals_per_minute: int = Field(
        300,
        ge=0,
        description="Wrong keys, links and tokens that are looked at from one address a minute; 0 for any number.",
    )
    rate_limit_url: str = Field(
        "async+memory://",
        description="Where requests are counted: memory of each process, or `async+redis://host` for several.",
    )
    output_hours: float = Field(24.0, gt=0, description="How long the output of a job is kept after it ended.")
    media_hours: float = Field(24.0, gt=0, description="How long uploaded media is kept.")
    job_days: float = Field(30.0, gt=0, description="How long the record of a job is kept after it ended.")
    master_key: SecretStr | None = Field(
        None,
        description="Key above all voiceprints of the gallery: 32 random bytes in base64, as `openssl rand -base64 32`"
        " makes them. All parts of a server need the same. While it is replaced: the new one, a comma, the old one.",
    )
    master_key_file: Path | None = Field(
        None,
        description="File with the master key, where it is not set; `master.key` in the data folder if unset, which"
        " `timbre serve` makes.",
    )
    clip_seconds: float = Field(
        8.0,
        ge=0,
        le=30,
        description="Seconds of each sample of a person, and of each voice of a job, that are kept to listen to; 0"
        " keeps none.",
    )
    speaker_months: int = Field(
        0, ge=0, description="Months after which people are erased whom no recording has named; 0 for never."
    )
    index_from: int = Field(
        20000, ge=1000, description="People of a team from which they are searched by an index instead of one by one."
    )
    live_processes: int = Field(
        2, ge=1, le=64, description="Processes that hear live streams, of each API; they start with the first stream."
    )
    streams_per_team: int = Field(10, ge=1, description="Live streams that a team may have at the same time.")
    stream_hours: float = Field(5.0, gt=0, description="Longest live stream, in hours.")
    stream_link_seconds: int = Field(
        300, ge=1, description="How long the URL of a live stream waits for somebody to open it."
    )
    session_hours: float = Field(720.0, gt=0, description="How long a browser stays signed in to the web app.")
    oidc_issuer: str | None = Field(
        None,
        description="OpenID provider by whose accounts people may sign in, exactly as it calls itself:"
        " `https://login.example.org/realms/staff`.",
    )
    oidc_name: str = Field(
        "your account",
        min_length=1,
        max_length=60,
        description="What the button to sign in by it calls it: *Sign in with …*.",
    )
    oidc_client_id: str | None = Field(None, description="What the provider knows this server as.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="Secret that the provider gave it; none for a public client, which PKCE alone protects."
    )
    oidc_scopes: Annotated[tuple[str, ...], NoDecode] = Field(
        ("openid", "profile", "email"), description="What the provider is asked for; some want `groups` too."
    )
    oidc_domains: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Domains of verified e-mail addresses that may sign in: `example.org`; `*` for any, or none."
    )
    oidc_groups_claim: str = Field("groups", min_length=1, description="Claim that lists the groups of a person.")
    oidc_roles: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Who may do what in which team, by group, the first that fits:"
        " `speech-admins=default:admin,speech=default:editor,*=default:viewer`. Without a rule that fits, nobody is"
        " signed in.",
    )
    oidc_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Private networks that the provider may be in: `10.0.0.0/8`; allowed for nothing else.",
    )
    oidc_session_hours: float = Field(
        12.0,
        gt=0,
        allow_inf_nan=False,
        description="How long a browser stays signed in by the provider: so long may somebody remain who left there.",
    )
    log_file: Path | None = Field(
        None, description="File to log to, turned over at 10 MiB; standard error if unset. `timbre serve` sets its own."
    )
    otlp_url: str | None = Field(
        None,
        description="OpenTelemetry collector that is told how long requests, jobs and their stages take:"
        " `http://127.0.0.1:4318`; by the extra `otel`.",
    )
    sweep_seconds: int = Field(300, ge=1, description="How often expired outputs, media and jobs are looked for.")

    @property
    def recogniser(self) -> str | None:
        """The model that recognises words; None where nothing does."""
        return self.asr_model or (_WORDS_MODEL if self.asr_url else None)

    @property
    def recognisers(self) -> tuple[str, ...]:
        """The models that recognise words, the server's own choice first."""
        return () if self.recogniser is None else tuple(dict.fromkeys((self.recogniser, *self.asr_models)))

    @model_validator(mode="before")
    @classmethod
    def _unset(cls, given: dict[str, object]) -> dict[str, object]:
        """Take what is empty for unset, as `TIMBRE_DATA_DIR=` leaves it; it would be the folder one is in."""
        return {name: value for name, value in given.items() if value != "" or name in _LISTS}

    @model_validator(mode="after")
    def _beats_in_time(self) -> Self:
        if self.stalled_seconds < 2 * self.heartbeat_seconds:
            raise ValueError(
                "stalled_seconds must be at least twice heartbeat_seconds, or living workers count as dead"
            )
        return self

    @field_validator("models_dir", "calibration", "temp_dir", "data_dir", "master_key_file", "log_file")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        try:
            return None if value is None else value.expanduser()
        except RuntimeError:
            raise ValueError(f"{value} begins with the home of nobody who is known here") from None

    @field_validator("asr_url", "otlp_url")
    @classmethod
    def _of_a_server(cls, value: str | None) -> str | None:
        parts = None if value is None else urlsplit(value)
        if parts is not None and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("it is the address of a server, as http://127.0.0.1:9000/v1")
        return value

    @model_validator(mode="after")
    def _lets_in_whom_it_says(self) -> Self:
        if self.oidc_issuer is None:
            return self
        if not self.oidc_client_id:
            raise ValueError("oidc_issuer needs oidc_client_id: register this server with the provider")
        if not self.oidc_roles:
            raise ValueError("oidc_issuer needs oidc_roles, or nobody may come in: `speech=default:editor`")
        if not self.oidc_domains and any(rule.startswith(f"{_ANYBODY}=") for rule in self.oidc_roles):
            raise ValueError(
                "oidc_roles lets in whoever has an account there; say whose in oidc_domains, or `*` for anybody"
            )
        return self

    @field_validator("oidc_roles")
    @classmethod
    def _rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for rule in value:
            if not _RULE.fullmatch(rule):
                raise ValueError(f"{rule!r} is none of GROUP=TEAM:viewer, GROUP=TEAM:editor and GROUP=TEAM:admin")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _of_a_provider(cls, value: str | None) -> str | None:
        parts = None if value is None else urlsplit(value)
        if parts is None or (parts.scheme == "https" and parts.hostname):
            return value
        if parts.scheme == "http" and parts.hostname in _HERE:
            return value
        raise ValueError("it is an address that begins with https://, or on this machine with http://127.0.0.1")

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
