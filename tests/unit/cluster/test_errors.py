"""What is told of a missing right: which one, where, and what grants it."""

from __future__ import annotations

import pytest

from janitor.cluster.errors import Busy, Denied, Right


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (Right("list", "pods", "base"), "list pods in all namespaces"),
        (Right("list", "events", "events"), "list events in all namespaces"),
        (Right("list", "nodes", "nodes"), "list nodes"),
        (Right("list", "pods", "base", namespace="shop"), "list pods in namespace shop"),
        (
            Right("update", "configmaps", "base", namespace="janitor", name="state"),
            "update configmaps state in namespace janitor",
        ),
    ],
)
def test_a_right_in_words(right, said):
    """Else people grant another right, or grant it elsewhere."""
    assert str(right) == said


@pytest.mark.parametrize(
    ("component", "path"), [("base", "k8s/base"), ("nodes", "k8s/components/nodes")]
)
def test_a_refusal_names_the_right_and_what_grants_it(component, path):
    """Else nobody knows which piece of k8s/ to apply."""
    right = Right("list", "nodes", component)
    refusal = Denied(right)
    assert refusal.right is right
    assert str(refusal) == (
        f"The API server does not let the janitor list nodes (403); {path} grants it."
    )


def test_a_busy_server_says_when_to_come_back():
    """Else an overloaded server is pressed."""
    busy = Busy("It is busy.", retry_after=7.0)
    assert (str(busy), busy.retry_after, Busy("It is busy.").retry_after) == (
        "It is busy.",
        7.0,
        None,
    )


@pytest.mark.parametrize(
    ("right", "words"),
    [
        (Right("list", "repositories.k8up.io", "x"), "list repositories.k8up.io in all namespaces"),
        (Right("get", "secrets", "x"), "get secrets in all namespaces"),
        (Right("get", "namespaces", "x", name="a"), "get namespaces a"),
        (Right("get", "/version", "x"), "get /version"),
        (Right("list", "nodes", "nodes"), "list nodes"),
        (Right("list", "jobs.batch", "x", namespace="a"), "list jobs.batch in namespace a"),
    ],
)
def test_a_right_says_how_far_it_goes(right: Right, words: str) -> None:
    """Else somebody grants it in one namespace where all are asked for."""
    assert str(right) == words
