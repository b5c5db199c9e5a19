"""The process that works off backtests, so that they take nothing from those who answer payments."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import timedelta

from authsvc.bootstrap.opening import open_store
from authsvc.clock import Clock
from authsvc.config import Settings
from authsvc.errors import Unavailable
from authsvc.policy_life.backtesting import Backtester

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=60)
"""Nobody waits here: counting millions of decisions may take the database longer than a payment would wait for it."""

ASKED_EVERY_S = 1.0


def work_off_backtests(settings: Settings, clock: Clock | None = None) -> None:
    """Take up one job after the other, until the process is ended."""
    store = open_store(replace(settings, store_timeout=PATIENCE), clock)
    backtester = Backtester(store.ledger, store.clock, store.slot.name)
    while True:
        try:
            found = backtester.work_off()
        except Unavailable as error:
            logger.warning("backtests wait for the database: %s", error.detail)
            found = False
        if not found:
            time.sleep(ASKED_EVERY_S)
