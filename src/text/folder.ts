import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codePointOrder } from '../corpus/build.js';
import { fileError } from './input.js';

/**
 * The regular files under a folder, as paths from it with `/`, in code-point order of the path: the same everywhere.
 * Names that begin with a dot are left out, and so are symbolic links, which could lead outside or round in circles:
 * `onSkipped` hears how many.
 */
export async function filesUnder(folder: string, onSkipped: (links: number) => void): Promise<string[]> {
  const files: string[] = [];
  const folders = [''];
  let links = 0;
  for (let inside = folders.pop(); inside !== undefined; inside = folders.pop()) {
    const path = join(folder, inside);
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      throw fileError(error, path);
    });
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.isSymbolicLink()) links++;
      else if (entry.isDirectory()) folders.push(name);
      else if (entry.isFile()) files.push(name);
    }
  }
  if (links > 0) onSkipped(links);
  return files.sort(codePointOrder);
}
