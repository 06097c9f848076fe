"""Signatures of manifests: only a key that is known here, only what was signed."""

import pytest

from eventstore.audit.signing_keys import Ed25519Signer, public_pem, read_signing_key, verifier


def test_a_signature_holds_for_its_key_and_message_only(tmp_path):
    one, two = Ed25519Signer(tmp_path / "one.pem"), Ed25519Signer(tmp_path / "other" / "two.pem")
    verify = verifier(tmp_path / "one.pem")
    signature = one.sign(b"message")
    assert verify(one.key_id, b"message", signature)
    assert not verify(one.key_id, b"another", signature)
    assert not verify(one.key_id, b"message", two.sign(b"message"))
    assert not verify(one.key_id, b"message", b"")
    assert not verify(two.key_id, b"message", two.sign(b"message"))


def test_a_public_key_of_another_installation_is_known_once_it_lies_beside(tmp_path):
    here, there = tmp_path / "here" / "key.pem", tmp_path / "there" / "key.pem"
    assert Ed25519Signer(here).key_id
    other = Ed25519Signer(there)
    assert not verifier(here)(other.key_id, b"message", other.sign(b"message"))
    (here.parent / "there.public.pem").write_bytes(public_pem(read_signing_key(there)))
    assert verifier(here)(other.key_id, b"message", other.sign(b"message"))


@pytest.mark.parametrize("key_id", ["", "../other/x", "x" * 16])
def test_an_odd_key_id_is_no_key(tmp_path, key_id):
    Ed25519Signer(tmp_path / "key.pem")
    assert not verifier(tmp_path / "key.pem")(key_id, b"message", bytes(64))
