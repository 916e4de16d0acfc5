"""The channels that the settings of `serve` name."""

from __future__ import annotations

from litellm_bighub.control_plane.channels.channel import Channel
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.settings import ServeSettings


def configured_channels(settings: ServeSettings, plane: ControlPlane) -> list[Channel]:
    """The channels, none of them started.

    Args:
        settings: of `serve`.
        plane: of this process.
    """
    channels: list[Channel] = []
    if settings.slack is not None:
        from litellm_bighub.control_plane.channels.slack_app.slack_channel import (  # noqa: PLC0415 - slow to import
            SlackChannel,
        )

        channels.append(SlackChannel(settings.slack, plane, settings.public_url))
    if settings.smtp is not None:
        from litellm_bighub.control_plane.channels.mail import Mail  # noqa: PLC0415 - as above

        channels.append(Mail(settings.smtp, plane, settings.public_url))
    return channels
