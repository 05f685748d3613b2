import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { raw } from "../../src/postgres/sql.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { mayWrite } from "../setup/statement-stops.ts";
import { ownBuild, type Place, start } from "./command.ts";
import { type Digest, differences, digestOf } from "./digest.ts";
import { type Ground, type Scenario, type State, scenarioOf } from "./scenarios.ts";
import { type ChaosServer, company, namesOf, startChaosServer } from "./server.ts";

/** An undisturbed run of a scenario. */
export type Undisturbed = {
  readonly scenario: Scenario;
  /** Its statements in their order. */
  readonly statements: readonly string[];
  /** The numbers of statements that may write, from one. */
  readonly writes: readonly number[];
  readonly milliseconds: number;
  readonly wanted: Digest;
  readonly roles: readonly string[];
  readonly schemas: readonly string[];
};

type Stored = { readonly template: string; readonly folder: string; readonly digest: Digest };

/** The server, the states that commands start from, and what undisturbed commands leave. */
export class World {
  readonly server: ChaosServer;
  readonly #home: string;
  readonly #states = new Map<State, Promise<Stored>>();
  /** What undisturbed commands left, for those that start from there. */
  readonly #made = new Map<State, Stored>();
  readonly #undisturbed = new Map<string, Promise<Undisturbed>>();

  private constructor(server: ChaosServer, home: string) {
    this.server = server;
    this.#home = home;
  }

  static async start(): Promise<World> {
    const home = await mkdtemp(path.join(tmpdir(), "chaos-"));
    // A scratch server's user must reach its folder in there.
    await chmod(home, 0o755);
    return new World(await startChaosServer(), home);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.#home, { recursive: true, force: true });
  }

  /** Puts the database and a fresh folder into a state. */
  async arrive(state: State, build = ownBuild): Promise<Place> {
    const { template, folder: stored } = await this.#state(state);
    const folder = path.join(this.#home, `trial-${Date.now().toString(36)}`);
    await cp(stored, folder, { recursive: true });
    // A trace of the command before would be continued.
    await rm(path.join(folder, "tmp"), { recursive: true, force: true });
    await mkdir(path.join(folder, "tmp"), { recursive: true });
    await chmod(folder, 0o755);
    await chmod(path.join(folder, "tmp"), 0o777);
    await this.server.replace(company, template);
    return { folder, url: this.server.url(company), build };
  }

  ground({ folder }: Place): Ground {
    return { folder, url: (database) => this.server.url(database) };
  }

  /** The digest of a state. */
  async digest(state: State): Promise<Digest> {
    return (await this.#state(state)).digest;
  }

  /** What a scenario does where nothing disturbs it. */
  undisturbed(scenario: Scenario): Promise<Undisturbed> {
    const known = this.#undisturbed.get(scenario.name);
    if (known !== undefined) return known;
    const running = this.#run(scenario);
    this.#undisturbed.set(scenario.name, running);
    return running;
  }

  #state(name: State): Promise<Stored> {
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    const made = this.#make(name);
    this.#states.set(name, made);
    return made;
  }

  async #make(name: State): Promise<Stored> {
    switch (name) {
      case "before": {
        await this.server.replace(company, "template0");
        await this.server.inDatabase(company, (session) => makeSmallCompany(session, 3000));
        const folder = path.join(this.#home, "begin");
        await mkdir(folder);
        const config = JSON.stringify(smallCompany);
        await writeFile(path.join(folder, "tenantry.config.json"), config);
        return this.#store(name, folder);
      }
      case "changed": {
        const place = await this.arrive("before");
        await this.#complete(place, ["backup"]);
        await this.server.inDatabase(company, (session) =>
          session.execute(raw("UPDATE settings SET value = 'changed since the backup'")),
        );
        return this.#store(name, place.folder);
      }
      case "stopped":
        return this.#halfWay(name, scenarioOf("run day1"));
      case "undoing":
        return this.#halfWay(name, scenarioOf("rollback all"));
      case "day1":
      case "day2":
      case "day3": {
        await this.undisturbed(scenarioOf(`run ${name}`));
        const made = this.#made.get(name);
        if (made === undefined) throw new Error(`run ${name} did not make its state`);
        return made;
      }
      default:
        return name satisfies never;
    }
  }

  /** A command that was killed in the middle of what it writes. */
  async #halfWay(name: State, scenario: Scenario): Promise<Stored> {
    const { writes, statements } = await this.undisturbed(scenario);
    // Behind an index that is built and not journaled yet, where one is built.
    const built = statements.findIndex((text) => /^CREATE INDEX CONCURRENTLY/.test(text));
    const at = built >= 0 ? built + 2 : (writes[Math.floor(writes.length / 2)] ?? 1);
    const place = await this.arrive(scenario.from);
    const stop = { at, phase: "before", how: "kill" } as const;
    await start(place, scenario.args(this.ground(place)), { stop }).ended;
    return this.#store(name, place.folder);
  }

  async #store(name: State, folder: string): Promise<Stored> {
    const template = `state_${name}`;
    const digest = await digestOf(this.server, company);
    await this.server.replace(template, company);
    const stored = path.join(this.#home, template);
    await cp(folder, stored, { recursive: true });
    return { template, folder: stored, digest };
  }

  async #complete(place: Place, args: readonly string[]): Promise<void> {
    const { code, stderr, stdout } = await start(place, args).ended;
    if (code !== 0) throw new Error(`undisturbed, ${args.join(" ")} failed: ${stderr}\n${stdout}`);
  }

  async #run(scenario: Scenario): Promise<Undisturbed> {
    const place = await this.arrive(scenario.from);
    const trace = path.join(place.folder, "tmp", "trace");
    const started = performance.now();
    const { code, stderr } = await start(place, scenario.args(this.ground(place)), { trace }).ended;
    if (code !== 0) throw new Error(`undisturbed, ${scenario.name} failed: ${stderr}`);
    const milliseconds = performance.now() - started;
    const statements = (await readFile(trace, "utf8")).trimEnd().split("\n");
    const wanted = await digestOf(this.server, scenario.compared);
    if (scenario.name.includes("rollback") && scenario.undo === undefined) {
      const wrong = differences(await this.digest("before"), wanted);
      if (wrong.length > 0) throw new Error(`${scenario.name}: ${wrong.join("\n")}`);
    }
    const [roles, schemas] = await this.server.inDatabase(scenario.compared, (session) =>
      Promise.all([namesOf(session, "roles"), namesOf(session, "schemas")]),
    );
    if (scenario.makes !== undefined && scenario.name === `run ${scenario.makes}`) {
      this.#made.set(scenario.makes, await this.#store(scenario.makes, place.folder));
    }
    await rm(place.folder, { recursive: true });
    return {
      scenario,
      statements,
      writes: statements.flatMap((text, index) => (mayWrite(text) ? [index + 1] : [])),
      milliseconds,
      wanted,
      roles,
      schemas,
    };
  }
}
