import { InvalidRequest, type Position } from '#domain';

const form = /^([a-z0-9]{1,64})\.([0-9]{1,19})$/;

export const resumeToken = ({ incarnation, sequence }: Position): string => `${incarnation}.${sequence}`;

/** @throws InvalidRequest for text that is no resume token. */
export function readResumeToken(text: string): Position {
  const match = form.exec(text);
  if (match?.[1] === undefined || match[2] === undefined)
    throw new InvalidRequest([
      {
        field: 'resume_token',
        description: `found "${text.slice(0, 80)}"; allowed is the resume_token of an earlier message`,
      },
    ]);
  return { incarnation: match[1], sequence: BigInt(match[2]) };
}
