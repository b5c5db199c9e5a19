"""A small audit log to spoil: two chains, a signed head after each batch, and checkpoints over both."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from authsvc.audit.chain import Entry, Head, Link, SignedHead, SigningKey, extend, sign_head
from authsvc.audit.checkpoint import Checkpoint, take_checkpoint
from authsvc.keys.keyring import KeyRing
from authsvc.subject import Subject

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALICE = Subject("shop", "alice")


def entry(number: int = 1, **details: object) -> Entry:
    at = START + timedelta(seconds=number)
    return Entry(at, "client:shop", "decision:made", ALICE, f"dec_{number}", "challenge_required", details)


def chained(chain: str, count: int, start: Head | None = None) -> list[Link]:
    """The next `count` links of a chain."""
    head = Head(chain) if start is None else start
    links: list[Link] = []
    for number in range(head.seq + 1, head.seq + count + 1):
        links.append(extend(head, entry(number)))
        head = links[-1].head()
    return links


@dataclass
class Log:
    """Everything an auditor gets, and the key that signed it."""

    ring: KeyRing = field(default_factory=KeyRing.create)
    links: list[Link] = field(default_factory=list)
    heads: list[SignedHead] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)

    @property
    def key(self) -> SigningKey:
        return self.ring.audit_signing_key()

    def end(self, chain: str) -> Head:
        own = [link for link in self.links if link.chain == chain]
        return own[-1].head() if own else Head(chain)

    def commit(self, chain: str, count: int) -> None:
        """One batch: links and the signed head after them."""
        self.links += chained(chain, count, self.end(chain))
        self.heads.append(sign_head(self.end(chain), START, self.key))

    def checkpoint(self) -> None:
        chains = {link.chain for link in self.links}
        previous = self.checkpoints[-1] if self.checkpoints else None
        self.checkpoints.append(take_checkpoint(previous, map(self.end, chains), START, self.key))

    def index(self, chain: str, seq: int) -> int:
        return next(n for n, link in enumerate(self.links) if (link.chain, link.seq) == (chain, seq))


def sample_log() -> Log:
    """Chains `a` (9 links) and `b` (6 links), five signed heads, two checkpoints."""
    log = Log()
    log.commit("a", 3)
    log.commit("b", 4)
    log.checkpoint()
    log.commit("a", 2)
    log.commit("b", 2)
    log.checkpoint()
    log.commit("a", 4)
    return log
