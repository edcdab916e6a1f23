# The service alone; the project (outreach.toml, rules/, templates/, secrets/) is mounted at /project, data at /data.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --bin outreach

FROM debian:bookworm-slim
# librdkafka speaks TLS through libssl.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 outreach \
    && install -d -o outreach /data
COPY --from=build /source/target/release/outreach /usr/local/bin/outreach
USER outreach
VOLUME /data
EXPOSE 8080 8081
ENTRYPOINT ["outreach"]
CMD ["run", "--project", "/project"]
