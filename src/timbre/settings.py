"""The one table of settings: every field is the environment variable `TIMBRE_<NAME>`.

`docs/reference/settings.md` lists them all; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What can be set, with its default; construct it to read the environment."""

    model_config = SettingsConfigDict(env_prefix="TIMBRE_", frozen=True, extra="ignore", protected_namespaces=())

    model: str = Field("auto", description="Pack to use: base, standard, best, or auto for the best one on disk.")
    models_dir: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("timbre") / "models",
        description="Folder that holds the model files.",
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
