# headgate's image: built from source on Debian 12, run as nobody in particular, with only the libraries that it links.
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY tools/setup.sh tools/setup.sh
RUN tools/setup.sh build
COPY . .
# The commit that headgate_build_info names: --build-arg REVISION=$(git rev-parse --short HEAD)
ARG REVISION=unknown
RUN cmake --preset release -DHEADGATE_REVISION=${REVISION} && cmake --build build/release --target headgate
RUN mkdir -p /out \
 && strip -o /out/headgate build/release/headgate \
 && tools/runtime-packages.sh build/release/headgate > /out/packages

FROM debian:bookworm-slim
COPY --from=build /out/packages /tmp/packages
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates $(cat /tmp/packages) \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /tmp/packages \
 && mkdir -p /etc/headgate
COPY --from=build /out/headgate /usr/local/bin/headgate
USER 65532:65532
EXPOSE 8080 8443 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=2s --start-period=2s CMD ["/usr/local/bin/headgate", "healthz"]
ENTRYPOINT ["/usr/local/bin/headgate"]
CMD ["run", "--config", "/etc/headgate"]
