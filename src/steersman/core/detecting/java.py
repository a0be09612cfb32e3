"""Java: Maven and Gradle, by their wrappers where they have one."""

from __future__ import annotations

from steersman.core.detecting.base import Run, Sight, Stack, found, number

GRADLE = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
WRAPPER = "gradle/wrapper/gradle-wrapper.properties"
READ = ("pom.xml", *GRADLE, WRAPPER)
SIGNS = ("pom.xml", *GRADLE, "gradlew")
_KITS = (8, 11, 17, 21, 25)
_NEWEST = 21
_IN_POM = (
    r"<(?:maven\.compiler\.(?:release|source|target)|java\.version|jdk\.version|release|source)>"
    r"\s*(?:1\.)?(\d+)"
)
_IN_GRADLE = (
    r"(?:JavaLanguageVersion\.of\(\s*|jvmToolchain\(\s*"
    r"|(?:source|target)Compatibility\s*=?\s*(?:JavaVersion\.(?:VERSION_)?)?['\"]?(?:1[._])?)(\d+)"
)
# Each Gradle and the newest Java on which it runs.
_RUNS_ON = (((5, 0), 8), ((7, 3), 11), ((8, 5), 17))


def detect(sight: Sight) -> Stack | None:
    """Return what Java needs here; Maven wins where both are."""
    if sight.has("pom.xml"):
        return _maven(sight)
    return _gradle(sight) if sight.has(*GRADLE, "gradlew") else None


def _maven(sight: Sight) -> Stack:
    said = found(_IN_POM, sight.text("pom.xml"))
    kit = _kit(said, _NEWEST)
    wrapper = sight.has("mvnw")
    maven = "sh mvnw" if wrapper else "mvn"
    code = f'{maven} -B -Dmaven.repo.local="$WERCKER_CACHE_DIR/maven" verify'
    return Stack(
        key="java",
        title="Java with Maven",
        because="pom.xml",
        image=f"eclipse-temurin:{kit}" if wrapper else f"maven:3-eclipse-temurin-{kit}",
        image_because=f"pom.xml asks for Java {said}" if said else "nothing names a version",
        runs=(Run("verify", code, wrapper or "pom.xml"), _kept("*/target/*.jar")),
    )


def _gradle(sight: Sight) -> Stack:
    said = next((at for name in GRADLE if (at := found(_IN_GRADLE, sight.text(name)))), "")
    gradle = found(r"gradle-(\d+\.\d+)", sight.text(WRAPPER))
    kit = _kit(said, _newest_for(gradle))
    wrapper = sight.has("gradlew")
    why = f"Gradle {gradle} runs on it" if gradle else "nothing names a version"
    code = (
        'export GRADLE_USER_HOME="$WERCKER_CACHE_DIR/gradle"\n'
        f"{'sh gradlew' if wrapper else 'gradle'} --no-daemon build"
    )
    return Stack(
        key="java",
        title="Java with Gradle",
        because=sight.has(*GRADLE, "gradlew"),
        image=f"eclipse-temurin:{kit}" if wrapper else f"gradle:8-jdk{max(kit, 17)}",
        image_because=f"the build asks for Java {said}" if said else why,
        runs=(Run("build", code, wrapper or "no wrapper is here"), _kept("*/build/libs/*.jar")),
    )


def _newest_for(gradle: str) -> int:
    version = number(gradle)
    return next((kit for below, kit in _RUNS_ON if version and version < below), _NEWEST)


def _kit(said: str, otherwise: int) -> int:
    """Return the Java with long support that is at least the one the build asks for."""
    if not said:
        return otherwise
    return next((kit for kit in _KITS if kit >= int(said)), _KITS[-1])


def _kept(pattern: str) -> Run:
    code = f"find . -path '{pattern}' -exec cp {{}} \"$WERCKER_OUTPUT_DIR\" \\;"
    return Run("keep", code, "what was built is the output")
