"""Passwords: who does not exist is refused like who does, after as much work."""

from argon2 import PasswordHasher, extract_parameters

from drippulse.organizations import passwords


async def test_a_password_is_verified_against_its_hash() -> None:
    stored = await passwords.hash_password("correct horse")
    assert await passwords.verify_password(stored, "correct horse")
    assert not await passwords.verify_password(stored, "wrong horse")
    assert not await passwords.verify_password("not a hash", "correct horse")


async def test_nobody_has_the_password_of_who_does_not_exist_and_it_costs_as_much() -> None:
    assert not await passwords.verify_password(None, "")
    absent = passwords._absent  # pyright: ignore[reportPrivateUsage] - what verifying costs is in it
    assert extract_parameters(absent) == extract_parameters(PasswordHasher().hash("any"))
