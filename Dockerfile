# The API as a user without rights, on a root that may be read-only: it writes to /tmp and /var/cache/geo-offers.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/geo-offers && python -m pip install --no-cache-dir uv
ENV VIRTUAL_ENV=/opt/geo-offers UV_NO_CACHE=1
# What we stand on first: it changes less often than we do. Of the lock file what serving needs, at its versions.
COPY pyproject.toml requirements.lock README.md LICENSE ./
RUN uv pip compile --quiet --extra server --constraint requirements.lock --generate-hashes pyproject.toml -o served.lock \
    && uv pip sync --require-hashes --compile-bytecode served.lock
COPY geo_offers ./geo_offers
COPY api ./api
COPY geodata ./geodata
RUN uv pip install --no-deps --compile-bytecode .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent geo-offers \
    && install -d -o geo-offers -g geo-offers /var/cache/geo-offers /var/lib/geo-offers
COPY --from=build /opt/geo-offers /opt/geo-offers
ENV PATH=/opt/geo-offers/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GEO_OFFERS_NUMBA_CACHE_DIR=/var/cache/geo-offers \
    GEO_OFFERS_DATABASE_URL=sqlite:////var/lib/geo-offers/geo-offers.sqlite3
USER geo-offers
VOLUME ["/var/cache/geo-offers", "/var/lib/geo-offers"]
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["geo-offers"]
CMD ["serve", "--host", "0.0.0.0"]
