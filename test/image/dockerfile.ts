/** An instruction of a Dockerfile, such as `RUN` with the text after it. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** A stage: what it begins from, its name if it has one, and what follows. */
export interface Stage {
  readonly from: string;
  readonly name: string | undefined;
  readonly steps: readonly Instruction[];
}

/** Reads a Dockerfile's stages. Knows comments and continued lines, and no heredocs. */
export function parseDockerfile(text: string): Stage[] {
  const instructions = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): Instruction => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name, text: rest };
    });
  const stages: { from: string; name: string | undefined; steps: Instruction[] }[] = [];
  for (const instruction of instructions) {
    const [, from = '', name] =
      instruction.name === 'FROM' ? (/^(\S+)(?: AS (\S+))?$/.exec(instruction.text) ?? []) : [];
    if (from !== '') stages.push({ from, name, steps: [] });
    else stages.at(-1)?.steps.push(instruction);
  }
  return stages;
}

/** The last text of an instruction in a stage. */
export const lastOf = ({ steps }: Stage, name: string): string | undefined =>
  steps.findLast((step) => step.name === name)?.text;
