"""The engine of a command, loaded when the command starts to work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timbre.errors import OptionError

if TYPE_CHECKING:
    from timbre.engine import Engine
    from timbre.settings import Settings


def read_settings(**given: object) -> Settings:
    """Read the settings of the environment, and those given that are not None.

    Raises:
        OptionError: a variable has a value it cannot have.
    """
    from pydantic import ValidationError  # noqa: PLC0415

    from timbre.settings import Settings  # noqa: PLC0415

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = (
            f"TIMBRE_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" if fault["loc"] else fault["msg"]
            for fault in error.errors()
        )
        raise OptionError("; ".join(faults)) from error


def load_engine(model: str | None, device: str | None = None) -> Engine:
    """Load the engine with a pack on a device, those of the settings if none is named.

    Raises:
        OptionError: a setting has a value it cannot have.
        ModelError: the pack is unknown, missing or damaged, or the device cannot be used.
    """
    from timbre.engine import Engine  # noqa: PLC0415

    return Engine(model, settings=read_settings(device=device))
