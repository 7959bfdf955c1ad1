# Slabstream's image: built from source in the first stages, run by a numeric user from a JRE in the last.
# The base images are arguments, so that a mirror or a local build of them can be named instead.
ARG BUILD_IMAGE=maven:3.9-eclipse-temurin-25
ARG RUNTIME_IMAGE=eclipse-temurin:25-jre

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# The dependencies change less often than the code: a layer of their own.
COPY .mvn .mvn
COPY pom.xml ./
RUN mvn -B -ntp -q dependency:go-offline
COPY src/main src/main
RUN mvn -B -ntp -q package -DskipTests \
 && java -Djarmode=tools -jar target/slabstream.jar extract --layers --destination target/layers

FROM ${RUNTIME_IMAGE} AS runtime
LABEL org.opencontainers.image.title="Slabstream" \
      org.opencontainers.image.description="A JVM inference microservice for decoder-only language models on CPUs" \
      org.opencontainers.image.licenses="Apache-2.0"

# Without the vector module the service would run, many times slower: rather no image than that.
RUN java --list-modules | grep -q '^jdk.incubator.vector@'

WORKDIR /opt/slabstream
COPY LICENSE NOTICE ./
COPY bin/slabstream bin/slabstream
COPY models models
COPY --from=build /src/target/layers/dependencies/ app/
COPY --from=build /src/target/layers/spring-boot-loader/ app/
COPY --from=build /src/target/layers/snapshot-dependencies/ app/
COPY --from=build /src/target/layers/application/ app/

# One place for the flags is bin/slabstream; this says where things lie, and that native libraries are unpacked already, so that
# the file system may be read-only and /tmp noexec. In a container every interface is bound: its network decides who reaches it.
ENV SLABSTREAM_JAR=/opt/slabstream/app/slabstream.jar \
    SLABSTREAM_JAVA_OPTS="-Dorg.bytedeco.javacpp.cachedir=/opt/slabstream/natives -Djava.io.tmpdir=/tmp" \
    SERVER_ADDRESS=0.0.0.0 \
    SLABSTREAM_MODEL_PATH=/opt/slabstream/models/SmolLM2-135M-Instruct.Q4_1.gguf

# Generates one token: unpacks the native libraries, and fails the build where the service would not run.
RUN sh bin/slabstream generate --max-new-tokens 1 "Hello" \
 && chmod -R a+rX /opt/slabstream

USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["sh", "/opt/slabstream/bin/slabstream"]
CMD ["serve"]
