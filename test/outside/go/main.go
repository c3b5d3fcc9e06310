// Checks an archive with code that is not Sealtrail's: signed notes with golang.org/x/mod, tiles and proofs with
// Tessera's client, Merkle maths with transparency-dev/merkle.
//
// Usage: outside <folder of one trail> <vkey>
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: outside <folder of one trail> <vkey>")
		os.Exit(2)
	}
	if err := check(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("outside tools agree")
}

func check(folder, vkey string) error {
	ctx := context.Background()
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("vkey: %w", err)
	}
	files := client.FileFetcher{Root: folder}
	signed, err := files.ReadCheckpoint(ctx)
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return fmt.Errorf("note: %w", err)
	}
	var checkpoint log.Checkpoint
	if _, err := checkpoint.Unmarshal([]byte(opened.Text)); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if checkpoint.Size == 0 {
		return nil
	}
	builder, err := client.NewProofBuilder(ctx, checkpoint.Size, files.ReadTile)
	if err != nil {
		return fmt.Errorf("proof builder: %w", err)
	}
	for _, index := range []uint64{0, checkpoint.Size / 3, checkpoint.Size / 2, checkpoint.Size - 1} {
		path, err := builder.InclusionProof(ctx, index)
		if err != nil {
			return fmt.Errorf("inclusion proof of %d: %w", index, err)
		}
		bundle, err := client.GetEntryBundle(ctx, files.ReadEntryBundle, index/256, checkpoint.Size)
		if err != nil {
			return fmt.Errorf("bundle of %d: %w", index, err)
		}
		leaf := rfc6962.DefaultHasher.HashLeaf(bundle.Entries[index%256])
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, checkpoint.Size, leaf, path, checkpoint.Hash); err != nil {
			return fmt.Errorf("inclusion of %d: %w", index, err)
		}
	}
	return nil
}
