"""The two ways a command can fail: by the user's input, or by the world around it."""

import re

WORD, MESSAGE = 200, 800
"""Characters after which a word of a message, and the whole of it, is cut: files may hold anything."""


class SignkitError(Exception):
    """An error that reaches the user as one message, without a traceback."""

    exit_code = 1


class UserError(SignkitError):
    """Something in the user's input is wrong (exit status 2).

    Args:
        where: the file and the place in it (``data/train.csv:12``), or the option.
        what: what is wrong there, as a sentence without a full stop.
        hint: what to do about it; may be empty.
    """

    exit_code = 2

    def __init__(self, where: str, what: str, hint: str = "") -> None:
        self.where, self.what, self.hint = where, _cut(what), _cut(hint)
        super().__init__(f"{where}: {self.what}" + (f"; {self.hint}" if hint else ""))

    def __reduce__(self) -> "tuple[type, tuple[object, ...]]":  # from one process to another
        return type(self), (self.where, self.what, self.hint)


class UserErrors(UserError):
    """Several faults of one input, found in one reading and shown together."""

    def __init__(self, faults: "list[UserError]") -> None:
        self.faults = tuple(faults)
        Exception.__init__(self, "\n".join(str(fault) for fault in faults))

    def __reduce__(self) -> "tuple[type, tuple[object, ...]]":
        return type(self), (list(self.faults),)


class OperationalError(SignkitError):
    """The input is fine but the machine is not: disk full, no network, folder in use (exit status 1)."""


class ComponentError(OperationalError):
    """An exception of the code of another package's component; the exception itself is its ``__cause__``."""


def missing_extra(package: str, extra: str, purpose: str) -> UserError:
    """The error for an optional dependency that is not installed."""
    return UserError(purpose, f"needs the package {package}", f"pip install 'signkit[{extra}]'")


def first_line(error: Exception) -> str:
    """What an error of another package says, without its details and its final period."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _cut(text: str) -> str:
    if len(text) <= WORD:
        return text
    text = re.sub(rf"(\S{{{WORD // 2}}})\S{{{WORD // 2},}}", r"\1…", text)
    return text if len(text) <= MESSAGE else f"{text[:MESSAGE]}…"
