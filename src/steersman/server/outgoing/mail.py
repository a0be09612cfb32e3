"""E-mail: one message for a target, handed to the server's own mail server."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from enum import StrEnum
from typing import NamedTuple

from steersman.core import announcements
from steersman.core.alerts import Alerts
from steersman.core.errors import Refused, SteersmanError, Unavailable
from steersman.core.notifications import Change, Target
from steersman.server.outgoing.webhooks import SECONDS, Envelope, shown


class Tls(StrEnum):
    """How the way to the mail server is kept from others; `none` is for a server next door."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Settings(NamedTuple):
    """The mail server, and who *sender* says we are; its password does not show when printed."""

    host: str
    sender: str
    port: int = 587
    tls: Tls = Tls.STARTTLS
    user: str = ""
    password: str = ""
    seconds: float = SECONDS

    def __repr__(self) -> str:
        return f"Settings({self.host!r}, {self.sender!r}, {self.port}, {self.tls.value!r}, ...)"


def message(
    settings: Settings, target: Target, change: Change | Alerts, envelope: Envelope
) -> EmailMessage:
    """Write the message; a line break in a header is refused, not sent."""
    made = EmailMessage()
    domain = settings.sender.rpartition("@")[2].strip("<> ") or "steersman"
    try:
        made["Subject"] = announcements.subject(change)
        made["From"] = settings.sender
        made["To"] = ", ".join(target.to)
        made["Date"] = formatdate(envelope.now)
        made["Message-ID"] = f"<{envelope.id}@{domain}>"
        # So that no holiday answers.
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(announcements.body(change, envelope.page(change)))
    except ValueError as error:
        raise Refused(f"no e-mail can be written: {error}", hint="check its addresses") from error
    return made


def send(settings: Settings, message: EmailMessage) -> str:
    """Hand *message* to the mail server and wait; return what to note of it."""
    try:
        with _connected(settings) as server:
            if settings.user:
                server.login(settings.user, settings.password)
            refused = server.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        # Whoever runs the server mends that; no project can.
        raise Unavailable(f"the mail server refuses our login ({error.smtp_code})") from error
    except smtplib.SMTPRecipientsRefused as error:
        codes = dict(error.recipients.values())
        raise _answered("the recipients", min(codes), codes[min(codes)]) from error
    except smtplib.SMTPResponseException as error:
        raise _answered("the message", error.smtp_code, error.smtp_error) from error
    except (OSError, ValueError) as error:
        # Everything else of smtplib is an OSError, also a server that knows no STARTTLS.
        said = shown(str(error).encode("utf-8", "replace")) or type(error).__name__
        raise Unavailable(f"the mail server cannot be used: {said}") from error
    return f"accepted, but not for {', '.join(refused)}" if refused else "accepted"


def _connected(settings: Settings) -> smtplib.SMTP:
    where = (settings.host, settings.port)
    context = ssl.create_default_context()
    if settings.tls is Tls.TLS:
        return smtplib.SMTP_SSL(*where, timeout=settings.seconds, context=context)
    server = smtplib.SMTP(*where, timeout=settings.seconds)
    try:
        if settings.tls is Tls.STARTTLS:
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _answered(what: str, code: int, said: bytes | str) -> SteersmanError:
    words = shown(said if isinstance(said, bytes) else said.encode("utf-8", "replace"))
    text = f"the mail server refuses {what}: {code} {words}".rstrip()
    return Refused(text) if 500 <= code < 600 else Unavailable(text)
