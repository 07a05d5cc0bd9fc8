# A server of gongxu. These are the steps that .ci/packages tests without a container; the image itself was not built by it.
FROM python:3.11-slim AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
RUN useradd --system --create-home --home-dir /var/lib/gongxu gongxu
COPY requirements-postgres.lock requirements-all.lock /locks/
COPY --from=wheel /wheels /wheels
# `--build-arg EXTRA=all` makes an image that also builds and trains.
ARG EXTRA=postgres
RUN pip install --no-cache-dir --requirement /locks/requirements-${EXTRA}.lock \
    && pip install --no-cache-dir --no-deps /wheels/*.whl
USER gongxu
ENV GONGXU_HOME=/var/lib/gongxu
VOLUME /var/lib/gongxu
EXPOSE 8000
HEALTHCHECK CMD python -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=3)"
CMD ["gongxu", "serve", "--host", "0.0.0.0", "--workers", "2"]
