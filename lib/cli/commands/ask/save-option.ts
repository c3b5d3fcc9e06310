import { Option } from 'commander';
import { questionName } from './saved.ts';

/** The option that keeps a question for `sealtrail ask`. */
export const saveOption = (): Option =>
  new Option('--save <name>', 'keep the question: "sealtrail ask NAME" asks it again').argParser(questionName);
