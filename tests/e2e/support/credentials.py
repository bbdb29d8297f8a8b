"""Names, passwords and what is made of them."""

import base64
import json
import subprocess

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa


def htpasswd(name, password, *options):
    """NAME:HASH as htpasswd writes it; bcrypt at its cheapest where no options are given."""
    done = subprocess.run(["htpasswd", "-nb", *(options or ("-B", "-C", "4")), name, password], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def bcrypt(password):
    return htpasswd("x", password).partition(":")[2]


def basic(name, password):
    """The field Authorization."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


# ---- tokens


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A key that signs tokens by `algorithm`, and what the world may know of it."""

    def __init__(self, kid, algorithm="ES256", **members):
        self.kid, self.algorithm = kid, algorithm
        if algorithm.startswith("ES"):
            curve = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}[algorithm]()
            self.key = ec.generate_private_key(curve)
            numbers, size = self.key.public_key().public_numbers(), (curve.key_size + 7) // 8
            public = {"kty": "EC", "crv": f"P-{curve.key_size}", "x": base64url(numbers.x.to_bytes(size, "big")), "y": base64url(numbers.y.to_bytes(size, "big"))}
        else:
            self.key = rsa.generate_private_key(65537, members.pop("bits", 2048))
            numbers = self.key.public_key().public_numbers()
            public = {"kty": "RSA", "n": base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")), "e": "AQAB"}
        self.jwk = {**public, **({"kid": kid} if kid else {}), "alg": algorithm, "use": "sig", **members}
        self.jwk = {name: value for name, value in self.jwk.items() if value is not None}

    def pem(self):
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, claims, algorithm=None, **head):
        head = {"kid": self.kid, **head}
        return jwt.encode(claims, self.key, algorithm or self.algorithm, {name: value for name, value in head.items() if value is not None})


def key_set(*signers):
    return json.dumps({"keys": [signer.jwk if isinstance(signer, Signer) else signer for signer in signers]})
