"""Challenges that a browser solves, and that can't be forged or kept for long."""

from __future__ import annotations

import json

import pytest
from altcha import Challenge, Payload, solve_challenge

from publisher.proof_of_work import CHALLENGE_LIFETIME, make_challenge, solved_challenge
from tests.publisher.conftest import NOW


@pytest.fixture(scope="module")
def proof() -> str:
    """A challenge of now, solved."""
    challenge = Challenge.from_dict(json.loads(make_challenge("secret", NOW)))
    solution = solve_challenge(challenge)
    assert solution is not None
    return Payload(challenge, solution).to_base64()


def test_a_solution_names_its_challenge(proof: str) -> None:
    challenge = Payload.from_base64(proof).challenge
    assert solved_challenge("secret", proof, NOW) == challenge.parameters.nonce


def test_a_solution_counts_for_two_hours_and_for_this_publication(proof: str) -> None:
    assert solved_challenge("secret", proof, NOW + CHALLENGE_LIFETIME) is None
    assert solved_challenge("another", proof, NOW) is None


@pytest.mark.parametrize("payload", ["", "nonsense", "é", "e30=", "W10=", "bnVsbA=="])
def test_anything_else_is_no_solution(payload: str) -> None:
    assert solved_challenge("secret", payload, NOW) is None


def test_an_easier_challenge_is_no_challenge(proof: str) -> None:
    payload = Payload.from_base64(proof)
    payload.challenge.parameters.key_prefix = ""
    payload.solution.counter += 1
    assert solved_challenge("secret", payload.to_base64(), NOW) is None
