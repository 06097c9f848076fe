"""Signatures of manifests: only the key that signed, only what was signed."""

import pytest

from eventstore.archive.errors import ArchiveError
from eventstore.archive.signing import signer_in, verifier


def test_a_signature_holds_for_its_key_and_message_only(tmp_path):
    one, two = signer_in(tmp_path), signer_in(tmp_path / "other")
    verify = verifier(tmp_path)
    signature = one.sign(b"message")
    assert verify(one.key_id, b"message", signature)
    assert not verify(one.key_id, b"another", signature)
    assert not verify(one.key_id, b"message", two.sign(b"message"))
    assert not verify(one.key_id, b"message", b"")
    assert not verify(two.key_id, b"message", two.sign(b"message"))


def test_the_key_is_made_once_and_readable_by_its_owner_only(tmp_path):
    assert signer_in(tmp_path).key_id == signer_in(tmp_path).key_id
    assert (tmp_path / "archive.key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["archive.key", f"{signer_in(tmp_path).key_id}.pub"]
    )


def test_a_public_key_of_another_installation_is_known_once_it_lies_beside(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    signer_in(here)
    other = signer_in(there)
    (here / f"{other.key_id}.pub").write_bytes((there / f"{other.key_id}.pub").read_bytes())
    assert verifier(here)(other.key_id, b"message", other.sign(b"message"))


def test_a_public_key_under_a_wrong_name_is_not_believed(tmp_path):
    one, two = signer_in(tmp_path), signer_in(tmp_path / "other")
    (tmp_path / f"{one.key_id}.pub").write_bytes(two.public_bytes)
    assert not verifier(tmp_path)(one.key_id, b"message", two.sign(b"message"))


@pytest.mark.parametrize("key_id", ["", "../other/x", "x" * 16])
def test_an_odd_key_id_names_no_file(tmp_path, key_id):
    signer_in(tmp_path)
    assert not verifier(tmp_path)(key_id, b"message", bytes(64))


def test_a_damaged_key_is_named(tmp_path):
    (tmp_path / "archive.key").write_bytes(b"short")
    with pytest.raises(ArchiveError, match=r"archive\.key is no signing key: it has 5 bytes instead of 32"):
        signer_in(tmp_path)
