"""Settings as people and scripts read them: name, value, default, and where the value came from; never a secret."""

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.settings_source import LoadedSettings, Source, shown_defaults, shown_settings

NAME_WIDTH = 40
VALUE_WIDTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    """One setting.

    Attributes:
        value: As it would be written in a ``.env``; of a secret only whether it is set.
        default: Empty for the settings of a single venue, which have none.
        line: Of the ``.env``, for a value that came from there.
    """

    name: str
    value: str
    default: str
    source: Source
    line: int | None


def setting_views(loaded: LoadedSettings) -> list[SettingView]:
    """Every setting, by topics."""
    defaults = shown_defaults()
    return [
        SettingView(
            name=name,
            value=value,
            default=defaults.get(name, ""),
            source=source,
            line=loaded.lines.get(name) if source is Source.ENV_FILE else None,
        )
        for name, value, source in shown_settings(loaded)
    ]


def setting_lines(loaded: LoadedSettings) -> Iterator[str]:
    """A line each, the place at the end; defaults are left without one, so that what was set stands out."""
    if loaded.env_file is not None:
        yield f"# .env: {loaded.env_file}"
    for view in setting_views(loaded):
        yield f"{view.name:<{NAME_WIDTH}} {view.value:<{VALUE_WIDTH}} {_place(view)}".rstrip()


def _place(view: SettingView) -> str:
    if view.source is Source.DEFAULT:
        return ""
    where = f"{view.source}, line {view.line}" if view.line is not None else str(view.source)
    return f"{where} (default: {view.default})" if view.default else where
