"""A certificate authority for the tests, made with the openssl command."""

import pathlib
import ssl
import subprocess
import tempfile


def openssl(*arguments, data=None, cwd=None):
    result = subprocess.run(
        ["openssl", *map(str, arguments)], input=data, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60
    )
    assert result.returncode == 0, f"openssl {arguments}: {result.stderr.decode()}"
    return result.stdout


class Leaf:
    def __init__(self, certificate, key):
        self.certificate_path = certificate
        self.key_path = key

    @property
    def certificate(self):
        return self.certificate_path.read_bytes()

    @property
    def key(self):
        return self.key_path.read_bytes()

    @property
    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.certificate_path.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----")


class Authority:
    """Keys and certificates live in a directory of their own; leaves are made once per name and kind."""

    def __init__(self, name="Gantry test CA"):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gantry-ca-"))
        self._leaves = {}
        self._serial = 100
        self.key_path = self.dir / "ca.key"
        self.path = self.dir / "ca.pem"
        self._make_key(self.key_path, "ecdsa")
        openssl(
            "req", "-x509", "-new", "-key", self.key_path, "-sha256", "-days", "30", "-subj", f"/CN={name}", "-out", self.path,
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
        )

    @staticmethod
    def _make_key(path, kind):
        if kind == "ecdsa":
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
        else:
            openssl("genrsa", "-out", path, "2048")
        path.chmod(0o600)

    def leaf(self, *names, kind="ecdsa", client=False, fresh=False):
        cache = (names, kind, client)
        if not fresh and cache in self._leaves:
            return self._leaves[cache]
        self._serial += 1
        stem = self.dir / f"leaf{self._serial}"
        key, request, certificate = stem.with_suffix(".key"), stem.with_suffix(".csr"), stem.with_suffix(".pem")
        extensions = stem.with_suffix(".ext")
        self._make_key(key, kind)
        alternative = ",".join(f"DNS:{name}" for name in names)
        usage = "clientAuth" if client else "serverAuth"
        extensions.write_text(
            f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage={usage}\n"
            + (f"subjectAltName={alternative}\n" if not client else "")
        )
        openssl("req", "-new", "-key", key, "-subj", f"/O=Gantry tests/CN={names[0]}", "-out", request)
        openssl(
            "x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.key_path, "-set_serial", str(self._serial),
            "-days", "20", "-sha256", "-extfile", extensions, "-out", certificate,
        )
        leaf = Leaf(certificate, key)
        leaf.serial = self._serial
        self._leaves[cache] = leaf
        return leaf

    def ocsp(self, leaf):
        """A DER response that says that the leaf is good."""
        index = self.dir / "index.txt"
        index.write_text(f"V\t400101000000Z\t\t{leaf.serial:X}\tunknown\t/O=Gantry tests/CN=x\n")
        out = leaf.certificate_path.with_suffix(".ocsp")
        request = leaf.certificate_path.with_suffix(".ocspreq")
        openssl("ocsp", "-issuer", self.path, "-cert", leaf.certificate_path, "-reqout", request)
        openssl(
            "ocsp", "-index", index, "-CA", self.path, "-rsigner", self.path, "-rkey", self.key_path,
            "-reqin", request, "-respout", out, "-ndays", "7",
        )
        return out.read_bytes()

    def context(self, client=None, minimum=None, maximum=None, ciphers=None, alpn=None):
        """A verifying client context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.path)
        if client is not None:
            context.load_cert_chain(client.certificate_path, client.key_path)
        if minimum is not None:
            context.minimum_version = minimum
        if maximum is not None:
            context.maximum_version = maximum
        if ciphers is not None:
            context.set_ciphers(ciphers)
        if alpn is not None:
            context.set_alpn_protocols(alpn)
        return context


def trusting():
    """A client context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
