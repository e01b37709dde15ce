/**
 * A project in an empty folder that takes the Java SDK from where `mvn install` has put it, by the README's
 * lines: the README's program and the example run against `heliograph serve`.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LiveService } from '../../tools/device-conformance/service/live-service.ts'
import { isServed, start } from '../sdk/program.ts'

const sdk = fileURLToPath(new URL('../../clients/java', import.meta.url))
const readme = readFileSync(join(sdk, 'README.md'), 'utf8')
const pom = readFileSync(join(sdk, 'pom.xml'), 'utf8')

/** A JVM that SIGTERM ends. */
const TERMINATED = 143

/** The first block of a language in the README. */
function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(readme)?.[1]
  if (found === undefined) throw new Error(`the README has no block of ${language}`)
  return found
}

/** As the SDK's own build has it, so that nothing else must be downloaded. */
function plugin(name: string): string {
  const [, version = ''] = new RegExp(`<artifactId>${name}</artifactId>\\s*<version>(.*?)<`).exec(
    pom,
  ) ?? ['']
  const group = '<groupId>org.apache.maven.plugins</groupId>'
  return `<plugin>${group}<artifactId>${name}</artifactId><version>${version}</version></plugin>`
}

const project = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>app</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.release>11</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
${block('xml')}
  </dependencies>
  <build><plugins>
    ${['maven-resources-plugin', 'maven-compiler-plugin', 'maven-dependency-plugin'].map(plugin).join('\n    ')}
  </plugins></build>
</project>
`

/** The README's lines, with what they leave to the reader. */
const program = `import io.heliograph.device.Activation;
import io.heliograph.device.Device;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.CountDownLatch;

public final class Readme {
  static void keep(String topic, Object payload) {
    System.out.println(topic + " " + payload);
  }

  static void untilTheServiceStops(String token) throws InterruptedException {
    System.out.println("token " + token);
    new CountDownLatch(1).await();
  }

  public static void main(String[] arguments) throws Exception {
    Path directory = Paths.get(arguments[0]);
    String url = arguments[1];
    String code = arguments[2];
${block('java').replace('untilTheServiceStops()', 'untilTheServiceStops(token)')}
  }
}
`

/** Builds it; returns the class path. */
function build(folder: string): string {
  const sources = join(folder, 'src/main/java')
  mkdirSync(sources, { recursive: true })
  writeFileSync(join(folder, 'pom.xml'), project)
  writeFileSync(join(sources, 'Readme.java'), program)
  copyFileSync(join(sdk, 'examples/PushService.java'), join(sources, 'PushService.java'))
  const goals = ['compile', 'dependency:copy-dependencies', '-DincludeScope=runtime']
  const args = ['-o', '-q', '-B', ...goals, '-DoutputDirectory=lib']
  execFileSync('mvn', args, { cwd: folder, stdio: 'inherit' })
  return ['target/classes', 'lib/*'].join(delimiter)
}

/** The README's program names no CA, as most devices need none: here the JVM must trust the local one. */
function trust(folder: string, ca: string): readonly string[] {
  const store = join(folder, 'trust.p12')
  const file = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', 'changeit']
  const args = ['-importcert', '-noprompt', '-alias', 'local', '-file', ca, ...file]
  execFileSync('keytool', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  return [`-Djavax.net.ssl.trustStore=${store}`, '-Djavax.net.ssl.trustStorePassword=changeit']
}

const folder = mkdtempSync(join(tmpdir(), 'heliograph-java-'))
try {
  const classPath = build(folder)
  const service = await LiveService.start()
  try {
    const { url, code, ca } = service.local.activation
    const java = (...args: string[]) => start('java', ['-cp', classPath, ...args], { cwd: folder })
    const readmeArgs = [...trust(folder, ca), 'Readme', join(folder, 'readme'), url, code]
    await isServed(service, java(...readmeArgs), TERMINATED)
    console.log('the program of the README: activated, registered, notified')
    const example = ['PushService', join(folder, 'service'), service.topic, url, code, ca]
    await isServed(service, java(...example), TERMINATED)
    console.log('examples/PushService.java: activated, registered, notified')
  } finally {
    await service.close()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
