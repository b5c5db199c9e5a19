"""What a key looks like, by the AAGUID it names: a hint for a list of devices, since anybody can name any."""

from __future__ import annotations

UNKNOWN = "00000000-0000-0000-0000-000000000000"
"""What authenticators say where no attestation was asked for."""

_LOOKS_LIKE = {
    "08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
    "6028b017-b1d4-4c02-b4b3-afcdafc96bb2": "Windows Hello",
    "9ddd1817-af5a-4672-a2b9-3e3dd95000a9": "Windows Hello",
    "adce0002-35bc-c60a-648b-0b25f1f05503": "Chrome on Mac",
    "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
    "fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "iCloud Keychain",
    "53414d53-554e-4700-0000-000000000000": "Samsung Pass",
    "bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
    "d548826e-79b4-db40-a3d8-11116f7e8349": "Bitwarden",
}


def looks_like(aaguid: str) -> str | None:
    """The product that goes by this AAGUID, unverified; None where it is not known."""
    return _LOOKS_LIKE.get(aaguid)
