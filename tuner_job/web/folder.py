"""One folder of a place, and what is known of it."""

import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tuner_job.errors import StoreError, UnreadableError
from tuner_job.results.look import Look
from tuner_job.results.progress import PROGRESS
from tuner_job.web.found import (
    Comparison,
    Page,
    is_comparison,
    is_experiment,
    pages_in,
    read_comparison,
)
from tuner_job.web.place import Place
from tuner_job.web.row import Row, beat, documents, read_row
from tuner_job.wording import plain

_log = logging.getLogger(__name__)
DEAD_AFTER = 45.0
"""Seconds without a beat after which a run counts as dead."""
_COUNTED_EVERY = 5.0
"""Seconds between looks at an experiment whose trials have to be counted."""
_ENDED_EVERY = 15.0
_NEW_EVERY = 1.0
"""Seconds between looks at what has come lately and does not run: it may be about to begin."""


@dataclass
class Folder:
    """A folder that is an experiment, a comparison, or holds pages.

    Attributes
    ----------
    parent
        Of a search of a comparison: the comparison's id.
    came
        When it was found beside those that were there already, by the index's clock.
    looked
        When it was looked into; None: not yet.
    """

    place: Place
    path: str
    prefix: str
    parent: str = ""
    came: float | None = None
    looked: float | None = None
    row: Row | None = None
    comparison: Comparison | None = None
    pages: list[Page] = field(default_factory=list)
    searches: list[str] = field(default_factory=list)
    _told: Row | None = None
    """The row as it was read, before anybody judged whether the run is alive."""
    _beat: str = ""
    _beaten: float | None = None
    """When a beat was seen, by the index's clock; None: there was one look only."""

    @property
    def running(self) -> bool:
        """Whether something may change at any moment."""
        told = self.row or self.comparison
        return self.looked is None or (told is not None and told.state == "running")

    @property
    def counted(self) -> bool:
        """Whether it keeps no progress, so that a look costs more."""
        return self._told is not None and PROGRESS not in self._told.version

    def due(self, now: float, least: float) -> bool:
        """Whether to look into it again.

        Parameters
        ----------
        least
            Seconds between looks at what does not run, at least.
        """
        if self.looked is None:
            return True
        if self.running:
            every = _COUNTED_EVERY if self.counted else 0.0
        else:
            is_new = self.came is not None and now - self.came < DEAD_AFTER
            every = max(_NEW_EVERY if is_new else _ENDED_EVERY, least)
        return now - self.looked >= every

    def look(self, now: float) -> None:
        """Look into it; a storage that is away leaves what was known."""
        try:
            self._read(self.place.store.look(self.path), now)
        except UnreadableError as error:
            self._damaged(str(error))
        except StoreError as error:
            _log.debug("%s", error)
            if self.looked is None:
                return
        except Exception as error:
            _log.debug("%s: %s cannot be told", self.place.label, self.path, exc_info=True)
            self._damaged(
                f"{self._blank().address}: cannot be read ({type(error).__name__}); "
                "`va-tuning check` looks for damage"
            )
        self.looked = now

    def _read(self, look: Look, now: float) -> None:
        self.pages = pages_in(self.place.label, self.prefix, self.path, look)
        blank = self._blank()
        if is_comparison(look):
            whole = Comparison(blank.id, blank.name, blank.place, blank.path, blank.address)
            self.comparison = read_comparison(self.place, look, whole)
            nested = f"{self.path}/tuning"
            self.searches = [f"{nested}/{one}" for one in self.place.store.look(nested).folders]
        elif is_experiment(look):
            if self._told is None or self._told.documents != documents(look) or self._may_grow:
                self._told = read_row(self.place, look, blank)
            self.row = self._judged(look, self._told, now)
        else:
            self.row = self._told = self.comparison = None

    @property
    def _may_grow(self) -> bool:
        """Whether the documents do not tell all: trials are counted, or damage may be mended."""
        told = self._told
        return told is not None and (
            told.problem != "" or (self.counted and told.state == "running")
        )

    def _judged(self, look: Look, row: Row, now: float) -> Row:
        """Say of a run that it is stopped if nothing of it beats any more."""
        version, modified = beat(look)
        if self._beat and version != self._beat:
            self._beaten = now
        self._beat = version
        if row.state != "running":
            return row
        if self._beaten is None:
            silent = datetime.now(UTC).timestamp() - modified
        else:
            silent = now - self._beaten
        return row if version and silent < DEAD_AFTER else replace(row, state="stopped")

    def _damaged(self, sentence: str) -> None:
        self._told, self.row = None, replace(self._blank(), problem=sentence)

    def _blank(self) -> Row:
        return Row(
            id=self.prefix + self.path.replace("/", ":"),
            name=plain(self.path.rpartition("/")[2], 80),
            place=self.place.label,
            path=self.path,
            address=f"{self.place.store.url}/{self.path}",
            parent=self.parent,
        )
