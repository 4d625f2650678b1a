"""TRN, NIST's transcript format: ``words (id)``, one utterance a line."""

from array import array

from signkit.errors import UserError
from signkit.eval.formats.textlines import note, settle
from signkit.eval.transcripts import Transcripts

COMMENTS = (";;", "**")  # sclite skips both


def read_trn(source: str, lines: list[str]) -> Transcripts:
    """The utterances of a TRN file.

    The signer is the part of the id before its first ``-``, or before its first ``_`` if it has no ``-``
    (sclite's ``-i spu_id``).

    Raises:
        UserError: a line does not end with an id in parentheses.
    """
    ids: list[str] = []
    texts: list[str] = []
    signers: list[str] = []
    numbers = array("l")
    faults: list[UserError] = []
    shared: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if line.startswith(COMMENTS) or not line or line.isspace():
            continue
        opening, end = line.rfind("("), len(line) - 1
        if line[end] != ")":
            end = len(line.rstrip()) - 1
        name = line[opening + 1 : end].strip()
        if opening < 0 or not name or line[end] != ")":
            note(faults, UserError(f"{source}:{number}", _fault(line), "a TRN line is `words (id)`"), source)
            continue
        signer = _signer(name)
        ids.append(name)
        texts.append(line[:opening].strip())
        signers.append(shared.setdefault(signer, signer))
        numbers.append(number)
    settle(faults)
    known_signers = tuple(signers) if any(signers) else ()
    return Transcripts(source, "trn", tuple(ids), tuple(texts), numbers, known_signers)


def _signer(name: str) -> str:
    signer, separator, _ = name.partition("-")
    if not separator:
        signer, separator, _ = name.partition("_")
    return signer if separator else ""


def _fault(line: str) -> str:
    opening, closing = line.rfind("("), line.rfind(")")
    if opening < 0 or closing < opening:
        return "has no id in parentheses at its end"
    return "has an empty id" if not line[opening + 1 : closing].strip() else "goes on after its id"
