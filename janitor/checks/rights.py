"""Whether the janitor has the rights that it needs, asked of the API server itself.

Asked, not tried: some of them would write.
"""

from __future__ import annotations

from collections.abc import Iterator

from janitor.checks.installation import Installation
from janitor.checks.mends import mend_of, mend_of_right
from janitor.checks.needs import Need, needs_of
from janitor.cluster.client import Client
from janitor.cluster.errors import ClusterError, Denied, Right
from janitor.cluster.review import is_allowed
from janitor.report.checks import Check, Status

UNASKED = "rights"
"""The name of the one check that stands for all where nothing can be asked."""


def check_rights(installation: Installation, client: Client) -> Iterator[Check]:
    """A line for each right, up to the first that cannot be asked for. Raises no ClusterError."""

    def allowed(right: Right) -> bool | ClusterError:
        try:
            return is_allowed(client, right)
        except ClusterError as error:
            return error

    needs = needs_of(installation)
    answers = installation.world.pool.map(lambda need: allowed(need.right), needs)
    for need, answer in zip(needs, answers, strict=True):
        if isinstance(answer, ClusterError):
            yield _unasked(answer)
            return
        yield _granted(need) if answer else _missing(need)


def _unasked(error: ClusterError) -> Check:
    if isinstance(error, Denied):
        said = "it may not be asked what is granted (SelfSubjectAccessReview)"
        mend = "Bind system:basic-user to every account again, as clusters come; or try a dry run."
        return Check(UNASKED, "", Status.WARNING, said, mend)
    said = f"it cannot be asked what is granted: {error}"
    return Check(UNASKED, "", Status.PROBLEM, said, mend_of(error))


def _granted(need: Need) -> Check:
    return Check("right", str(need.right), Status.OK, "granted")


def _missing(need: Need) -> Check:
    if need.by_name:
        said = "not granted for every name; one that is refused by its name is told below"
        return Check("right", str(need.right), Status.OK, said)
    status = Status.WARNING if need.optional else Status.PROBLEM
    mend = " ".join(filter(None, (mend_of_right(need.right), need.instead)))
    return Check("right", str(need.right), status, f"not granted: {need.purpose}", mend)
