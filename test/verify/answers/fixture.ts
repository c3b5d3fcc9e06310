import type { AnswerProof } from '../../../lib/contract/query.ts';
import { Indexer } from '../../../lib/followers/indexing/indexer.ts';
import { ArchivedRecords } from '../../../lib/ledger/archived-records.ts';
import { nodeReader } from '../../../lib/ledger/tree/nodes.ts';
import { pemOf } from '../../../lib/log/note.ts';
import { Queries } from '../../../lib/query/queries.ts';
import type { Query } from '../../../lib/query/query.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { parseTrustedKeys, type TrustedKeys } from '../../../lib/verify/evidence/trust.ts';
import { openLedger } from '../../ledger/fixture.ts';
import { append, SECRET, type TestEvent, TRAIL } from '../../query/fixture.ts';
import { filesOf } from '../../support/index-files.ts';

/** A signed trail whose answers have proofs. */
export class ProvenTrail {
  readonly table = new MemoryTable();
  readonly ledger = openLedger(this.table);
  readonly queries: Queries;

  constructor() {
    const { table, ledger } = this;
    const objects = new MemoryObjects();
    const nodes = (trail: string) => nodeReader({ table, ledger, objects }, trail);
    const archive = new ArchivedRecords({ objects, table });
    this.queries = new Queries({ table, files: filesOf(table), secret: SECRET, archive, proofs: { ledger, nodes } });
  }

  async append(events: readonly TestEvent[], at?: number, trail = TRAIL): Promise<void> {
    await append(this.table, events, at, 'app', trail);
    await this.ledger.seal(trail);
  }

  async index(trail = TRAIL): Promise<void> {
    const { table, ledger } = this;
    await new Indexer({ table, ledger, files: filesOf(table) }).run(trail, { force: true });
    await ledger.seal('_index');
  }

  async trust(): Promise<TrustedKeys> {
    return parseTrustedKeys((await this.ledger.verifiers(TRAIL)).map(pemOf).join(''));
  }

  /** The pages of a query, each as what a verifier gets. */
  async proofs(query: Query): Promise<{ lines: string[]; proof: AnswerProof }[]> {
    const pages: { lines: string[]; proof: AnswerProof }[] = [];
    for (let next: Query | undefined = query; next !== undefined; ) {
      const { matches, proof, more, cursor } = await this.queries.provenPage(TRAIL, next);
      pages.push({ lines: matches.map(({ line }) => line), proof: JSON.parse(JSON.stringify(proof)) });
      if (pages.length > 2000) throw new Error('the pages do not end');
      next = more && cursor !== undefined ? { ...query, cursor } : undefined;
    }
    return pages;
  }
}
