"""QR codes of coupons: an address of ours as an image, drawn once and kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from typing import Literal

import segno
from fastapi import Request
from segno.encoder import DataOverflowError

from geo_offers.domain.errors import InvalidInput

Kind = Literal["svg", "png"]
MEDIA_TYPE: dict[Kind, str] = {"svg": "image/svg+xml", "png": "image/png"}
_LONGEST_BASE = 300


@dataclass(frozen=True, slots=True)
class Drawn:
    """An image and its tag: the same image, the same tag."""

    image: bytes
    tag: str


class QrCodes:
    """Draws QR codes and keeps the `most` that were asked for last, a few kilobytes each. For one event loop."""

    def __init__(self, *, most: int = 1_024) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, Kind, int, int], Drawn] = OrderedDict()

    def drawn(self, text: str, kind: Kind, *, scale: int, border: int) -> Drawn:
        """The QR code of a text. scale: pixels a module; border: modules of quiet zone.

        Survives 15 % of its area being lost (error correction M). One that is not kept takes some milliseconds.
        Raises InvalidInput for a text that no QR code holds.
        """
        key = (text, kind, scale, border)
        drawn = self._kept.get(key)
        if drawn is None:
            image = _draw(text, kind, scale, border)
            drawn = self._kept[key] = Drawn(image, blake2b(image, digest_size=12).hexdigest())
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return drawn


def _draw(text: str, kind: Kind, scale: int, border: int) -> bytes:
    try:
        code = segno.make_qr(text, error="m")
    except DataOverflowError as error:
        raise InvalidInput("the address of this service is too long for a QR code") from error
    out = BytesIO()
    if kind == "svg":
        # Dark on white even where the page is dark: readers want it so.
        code.save(
            out, kind="svg", scale=scale, border=border, xmldecl=False, nl=False, dark="#000", light="#fff"
        )
    else:
        code.save(out, kind="png", scale=scale, border=border, dark="#000", light="#fff")
    return out.getvalue()


def base_url_of(request: Request) -> str:
    """Where people find this service, without a slash at the end: as the operator says, else as this request does."""
    base: str = request.app.state.public_url or str(request.base_url)
    if len(base) > _LONGEST_BASE:
        raise InvalidInput("the Host of this request is too long", pointer="/Host")
    return base.rstrip("/")


def coupon_url(base_url: str, code: str) -> str:
    """What the QR code of a coupon says."""
    return f"{base_url}/c/{code}"


def qr_codes_of(request: Request) -> QrCodes:
    """The QR codes that this app keeps."""
    codes: QrCodes = request.app.state.qr_codes
    return codes
