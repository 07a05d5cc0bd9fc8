"""A small OpenID Connect provider over real HTTP: signs with a real RSA key, holds clients to PKCE, secret and redirect."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "gongxu", "client-secret-of-the-tests"


class TestProvider:
    """`person` are the claims about who signs in; `forged` overrides claims of the ID token; `signer` signs it."""

    __test__ = False

    def __init__(self) -> None:
        self.key = self.signer = new_key("first")
        self.person = {"sub": "u1", "preferred_username": "wang.fang", "roles": ["reviewer"]}
        self.forged: dict = {}
        self.refuses = ""
        self.methods = ["client_secret_basic", "client_secret_post"]
        self._codes: dict[str, dict] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                url = urlsplit(self.path)
                if url.path == "/.well-known/openid-configuration":
                    self.answer(200, provider.description())
                elif url.path == "/jwks":
                    self.answer(200, {"keys": [provider.key.as_dict(private=False)]})
                else:
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(parse_qs(url.query)))
                    self.end_headers()

            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.answer(*provider.token(form, self.headers.get("Authorization", "")))

            def answer(self, status, content):
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def description(self):
        ends = {name: f"{self.issuer}/{path}" for name, path in (("authorization_endpoint", "authorize"),)}
        ends |= {"token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks"}
        return {"issuer": self.issuer, "token_endpoint_auth_methods_supported": self.methods} | ends

    def authorize(self, asked):
        one = {name: values[0] for name, values in asked.items()}
        assert (one["client_id"], one["response_type"], one["code_challenge_method"]) == (CLIENT, "code", "S256")
        back = {"state": one["state"], "iss": self.issuer}
        if self.refuses:
            return f"{one['redirect_uri']}?{urlencode(back | {'error': self.refuses})}"
        code = secrets.token_urlsafe(16)
        self._codes[code] = one
        return f"{one['redirect_uri']}?{urlencode(back | {'code': code})}"

    def token(self, form, authorization):
        asked = self._codes.pop(form.get("code", [""])[0], None)
        verifier = form.get("code_verifier", [""])[0]
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        known = authorization == basic or form.get("client_secret") == [SECRET]
        redirected = asked is not None and form.get("redirect_uri") == [asked["redirect_uri"]]
        if not known or not redirected or challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= self.person | self.forged
        header = {"alg": "RS256", "kid": self.signer.kid}
        signed = jwt.encode(header, {name: value for name, value in claims.items() if value is not None}, self.signer)
        return 200, {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": signed}


def new_key(name):
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"}, private=True)
